package sms

import (
	"fmt"
	"time"

	"porchlight/bridge"
)

// Codes of our own, for attempts to which Twilio gave none.
const (
	CodeNetwork = "net" // no connection, or no answer in time
	CodeServer  = "5xx" // an answer that is not Twilio's
)

// Explain translates an error code of Twilio's for people. Twilio says that its
// own texts are not to be relied on, so the words are ours; a code that is not
// in the table is named, with the link to Twilio's page.
func Explain(code string) bridge.Failure {
	f, ok := failures[code]
	f.Code = code
	if !ok {
		f = bridge.Failure{Code: code, Sentence: "Twilio could not deliver it (error " + code + ")", Class: bridge.Permanent, Step: bridge.StepRetry}
	}
	switch code {
	case "":
		f.Sentence = "Twilio gave no reason"
	case CodeNetwork, CodeServer:
	default:
		if isNumber(code) {
			f.Link = fmt.Sprintf("https://www.twilio.com/docs/api/errors/%s", code)
		}
	}
	return f
}

func isNumber(code string) bool {
	for _, r := range code {
		if r < '0' || r > '9' {
			return false
		}
	}
	return len(code) <= 10
}

const hour = time.Hour

// temporary failures may be tried again by the program after the delay; 0
// leaves it to the outbox.
func temporary(sentence string, delay time.Duration) bridge.Failure {
	return bridge.Failure{Sentence: sentence, Class: bridge.Temporary, Step: bridge.StepRetry, Delay: delay}
}

// ambiguous failures may have reached the person, so only a person may press
// Retry: none of them is of class temporary.
func ambiguous(sentence string) bridge.Failure {
	return bridge.Failure{Sentence: sentence, Class: bridge.Permanent, Step: bridge.StepRetry}
}

func permanent(sentence string, step bridge.NextStep) bridge.Failure {
	return bridge.Failure{Sentence: sentence, Class: bridge.Permanent, Step: step}
}

// badAddress failures are about the number and will meet every text to it.
func badAddress(sentence string, step bridge.NextStep) bridge.Failure {
	return bridge.Failure{Sentence: sentence, Class: bridge.Permanent, Step: step, BadAddress: true}
}

func content(sentence string) bridge.Failure {
	return bridge.Failure{Sentence: sentence, Class: bridge.Content, Step: bridge.StepEdit}
}

func ourSide(sentence string) bridge.Failure {
	return bridge.Failure{Sentence: sentence, Class: bridge.OurSide, Step: bridge.StepSettings}
}

// notice is news for whoever runs the account; no text failed.
func notice(sentence string) bridge.Failure {
	return bridge.Failure{Sentence: sentence, Class: bridge.OurSide}
}
