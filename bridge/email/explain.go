package email

import (
	"strings"

	"porchlight/bridge"
)

// Codes of our own, for what no mail server said.
const (
	CodeConnect = "connect" // no connection, or it broke before the mail was handed over
	CodeTLS     = "tls"     // no encrypted connection to a server that can be trusted
	CodeAuth    = "auth"    // the server did not take our login
	CodeBusy    = "busy"    // too many mails at once
	CodeLost    = "lost"    // the answer to the mail's end did not come
	CodeAddress = "address" // it is not an email address
	CodeCompose = "compose" // the mail could not be put together
)

// Explain translates a mail server's code for people. A code is an enhanced status
// of RFC 3463, such as 5.1.1, or else the reply's three digits. Servers invent their
// own, so a code that is not in the table is read by its digits: the first says
// whether a later try can help, the second what is to blame.
func Explain(code string) bridge.Failure {
	f, ok := failures[code]
	if !ok {
		f = byDigits(code)
	}
	f.Code = code
	return f
}

func byDigits(code string) bridge.Failure {
	if code == "" {
		return permanent("The mail server gave no reason", bridge.StepRetry)
	}
	suffix := " (error " + code + ")"
	class, rest, _ := strings.Cut(code, ".")
	subject, _, _ := strings.Cut(rest, ".")
	switch {
	case class == "4", len(code) == 3 && code[0] == '4':
		return temporary("The mail server could not take it now" + suffix)
	case class != "5" && (len(code) != 3 || code[0] != '5'):
		return permanent("The mail was not sent"+suffix, bridge.StepRetry)
	}
	switch subject {
	case "1":
		return permanent("The mail server does not accept this address"+suffix, bridge.StepCall)
	case "2":
		return permanent("Their mailbox does not take the mail"+suffix, bridge.StepCall)
	case "6":
		return bridge.Failure{Sentence: "The mail server does not accept what is in the mail" + suffix, Class: bridge.Content, Step: bridge.StepEdit}
	case "7":
		return ourSide("Their mail server's rules refuse our mails" + suffix)
	}
	return permanent("The mail server refused the mail"+suffix, bridge.StepCall)
}

func temporary(sentence string) bridge.Failure {
	return bridge.Failure{Sentence: sentence, Class: bridge.Temporary, Step: bridge.StepRetry}
}

func permanent(sentence string, step bridge.NextStep) bridge.Failure {
	return bridge.Failure{Sentence: sentence, Class: bridge.Permanent, Step: step}
}

// badAddress failures will meet every mail to the address.
func badAddress(sentence string) bridge.Failure {
	return bridge.Failure{Sentence: sentence, Class: bridge.Permanent, Step: bridge.StepCall, BadAddress: true}
}

func ourSide(sentence string) bridge.Failure {
	return bridge.Failure{Sentence: sentence, Class: bridge.OurSide, Step: bridge.StepSettings}
}

// failures is never written to. The codes are those of RFC 3463, RFC 7505, RFC 7372
// and of widely used servers; class and step are our judgement.
var failures = map[string]bridge.Failure{
	CodeConnect: temporary("The mail server could not be reached"),
	CodeBusy:    temporary("Too many emails were waiting for the mail server"),
	CodeTLS:     ourSide("There is no secure connection to our mail server"),
	CodeAuth:    ourSide("Our mail server does not accept our login"),
	CodeCompose: ourSide("The email could not be put together"),
	CodeAddress: badAddress("This is not a valid email address"),
	// The server may have taken it, so that only a person may send it again.
	CodeLost: permanent("The mail server did not answer, so it may or may not have arrived", bridge.StepRetry),

	"5.1.0":  permanent("The mail server does not accept this address", bridge.StepCall),
	"5.1.1":  badAddress("There is no mailbox with this address"),
	"5.1.2":  badAddress("What stands after the @ takes no email"),
	"5.1.3":  badAddress("This is not a valid email address"),
	"5.1.4":  badAddress("The address means more than one mailbox"),
	"5.1.6":  badAddress("The mailbox has moved"),
	"5.1.7":  ourSide("Our own email address is not valid to the mail server"),
	"5.1.8":  ourSide("The mail server does not know our own address's domain"),
	"5.1.10": badAddress("What stands after the @ takes no email"),
	"5.2.1":  badAddress("This mailbox is switched off"),
	"5.2.2":  permanent("Their mailbox is full", bridge.StepCall),
	"5.2.3":  {Sentence: "The email is too big for their mailbox", Class: bridge.Content, Step: bridge.StepEdit},
	"5.3.4":  {Sentence: "The email is too big for the mail server", Class: bridge.Content, Step: bridge.StepEdit},
	"5.4.1":  permanent("Their mail server takes no email for this address", bridge.StepCall),
	"5.4.4":  badAddress("What stands after the @ does not exist"),
	"5.5.0":  permanent("The mail server does not accept this address", bridge.StepCall),
	"5.7.0":  ourSide("The mail server's rules refuse our mails"),
	"5.7.1":  ourSide("The mail server's rules refuse our mails"),
	"5.7.8":  ourSide("Our mail server does not accept our login"),
	"5.7.9":  ourSide("Our mail server wants another kind of login"),
	"5.7.20": ourSide("Our mails have no valid signature (DKIM)"),
	"5.7.21": ourSide("Our mails have no signature that their server accepts (DKIM)"),
	"5.7.22": ourSide("Our mails' signature does not belong to our address (DKIM)"),
	"5.7.23": ourSide("Our domain does not name our mail server (SPF)"),
	"5.7.24": ourSide("Our domain's list of mail servers cannot be read (SPF)"),
	"5.7.25": ourSide("Our mail server's number has no name (reverse DNS)"),
	"5.7.26": ourSide("Our mails are not signed for our domain (SPF, DKIM, DMARC)"),
	"5.7.27": ourSide("Our own address's domain takes no email, so nothing from it is accepted"),

	"421": temporary("The mail server is busy"),
	"450": temporary("The mailbox cannot be reached now"),
	"451": temporary("The mail server had trouble"),
	"452": temporary("The mail server has no room now"),
	"550": permanent("The mail server does not accept this address", bridge.StepCall),
	"551": permanent("The mail server does not accept this address", bridge.StepCall),
	"552": permanent("Their mailbox is full, or the email is too big", bridge.StepCall),
	"553": permanent("The mail server does not accept this address", bridge.StepCall),
	"554": permanent("The mail server refused the mail", bridge.StepCall),
}
