package notify

import "porchlight/bridge"

// alerts are what a phone on duty is told, by language: of what came by the portal and
// by text, of an urgent handoff (how urgent, who, what), and how to answer. Only a phone
// that is known to be somebody's can answer itself. One whose owner does not see the
// conversation hears that there is something, and nothing of it.
var alerts = map[string]struct{ portal, text, handoff, here, inbox, unseen string }{
	"": {
		portal: "%s wrote in the portal: %s", text: "%s texted: %s", handoff: "AI handoff, %s: %s: %s",
		here: "Answer this text, or in the inbox: %s/inbox/c/%d", inbox: "Answer in the inbox: %s/inbox/c/%d",
		unseen: "A customer wrote, in a conversation that you do not see. Tell somebody of the team who does.",
	},
	"es": {
		portal: "%s ha escrito en el portal: %s", text: "%s ha escrito: %s", handoff: "Traspaso de la IA, %s: %s: %s",
		here: "Responda a este mensaje o en el buzon: %s/inbox/c/%d", inbox: "Responda en el buzon: %s/inbox/c/%d",
		unseen: "Un cliente ha escrito en un chat que usted no ve. Avise a alguien del equipo que lo vea.",
	},
}

// texts are the words of texts, by language. They keep to the letters that fit 160
// to a part: á, í, ó and ú do not, so the Spanish ones do without them.
var texts = map[string]map[bridge.Purpose]string{
	"": {
		bridge.ForMessage: "%s: %s wrote to you. Read and answer: %s",
		bridge.ForLink:    "%s: your way into our portal: %s",
		bridge.ForCode:    "%s: your code is %s. It works for 10 minutes. Tell it to nobody, us neither.",
	},
	"es": {
		bridge.ForMessage: "%s: %s le ha escrito. Lea y responda: %s",
		bridge.ForLink:    "%s: su enlace para entrar en nuestro portal: %s",
		bridge.ForCode:    "%s: %s abre nuestro portal durante 10 minutos. No lo comparta con nadie.",
	},
}
