package notify

import "porchlight/bridge"

// handedOver is what a phone on duty is told of an urgent handoff: who, how urgent and
// what, where to answer.
var handedOver = map[string]string{
	"":   "AI handoff, %s: %s: %s\nAnswer in the inbox: %s/inbox/c/%d",
	"es": "Traspaso de la IA, %s: %s: %s\nResponda en el buzon: %s/inbox/c/%d",
}

// texts are the words of texts, by language. They keep to the letters that fit 160
// to a part: á, í, ó and ú do not, so the Spanish ones do without them.
var texts = map[string]map[bridge.Purpose]string{
	"": {
		bridge.ForMessage: "%s: %s wrote to you. Read and answer: %s",
		bridge.ForLink:    "%s: your way into our portal: %s",
		bridge.ForCode:    "%s: your code is %s. It works for 10 minutes. Tell it to nobody, us neither.",
		bridge.ForAlert:   "%s wrote in the portal: %s\nAnswer in the inbox: %s/inbox/c/%d",
	},
	"es": {
		bridge.ForMessage: "%s: %s le ha escrito. Lea y responda: %s",
		bridge.ForLink:    "%s: su enlace para entrar en nuestro portal: %s",
		bridge.ForCode:    "%s: %s abre nuestro portal durante 10 minutos. No lo comparta con nadie.",
		bridge.ForAlert:   "%s ha escrito en el portal: %s\nResponda en el buzon: %s/inbox/c/%d",
	},
}
