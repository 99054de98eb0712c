package sms

import (
	"time"

	"porchlight/bridge"
)

// failures is never written to. The codes are those of Twilio's public error
// dictionary; class, step and delay are our judgement.
var failures = map[string]bridge.Failure{
	CodeNetwork: temporary("The connection to Twilio failed", 0),
	CodeServer:  ambiguous("Twilio was in trouble and may or may not have sent it"),

	// Twilio calling us.
	"11200": ourSide("Twilio could not reach our server"),
	"11205": ourSide("Twilio could not connect to our server"),
	"11210": ourSide("Twilio could not find our server's name"),
	"11220": ourSide("Twilio could not make a secure connection to our server"),
	"11237": ourSide("Twilio does not trust our server's certificate"),
	"11750": content("Our answer to Twilio was too long"),
	"11751": content("The attachment is over the 5 MB limit of picture messages"),
	"12100": ourSide("Twilio could not read our server's answer"),
	"12300": ourSide("Our server answered Twilio with the wrong type of content"),
	"14107": temporary("Too many automatic replies in 30 seconds, perhaps a loop", 5*time.Minute),
	"57012": ourSide("Twilio's signature and our address or token do not agree"),

	// Answers to our request.
	"20003": ourSide("Twilio refused our login"),
	"20404": permanent("Twilio no longer has this message", bridge.StepNone),
	"20429": temporary("Twilio is busy", 0),
	"20500": ambiguous("Twilio was in trouble and may or may not have sent it"),
	"20503": ambiguous("Twilio was down and may or may not have sent it"),
	"21211": badAddress("This is not a valid number", bridge.StepFixNumber),
	"21212": ourSide("Our own number is not valid at Twilio"),
	"21408": ourSide("Texting this country is switched off"),
	"21602": content("The text was empty"),
	"21603": ourSide("No number was given to send it from"),
	"21604": permanent("No number was given to send it to", bridge.StepFixNumber),
	"21606": ourSide("Our number cannot text this number"),
	"21608": ourSide("The Twilio account is on trial and may text verified numbers only"),
	"21609": ourSide("Our address for delivery reports is not valid"),
	"21610": {Sentence: "They texted STOP", Class: bridge.Consent, Step: bridge.StepEmail},
	"21611": temporary("Too many of our texts are waiting at Twilio", time.Minute),
	"21612": permanent("No route from our number to this number", bridge.StepEmail),
	"21614": badAddress("Landline: it cannot receive texts", bridge.StepEmail),
	"21617": content("The text is over 1,600 characters"),
	"21620": content("The link to the attachment does not work"),
	"21623": content("More than 10 attachments"),
	"21635": badAddress("Landline: it cannot receive texts", bridge.StepEmail),
	"21654": ourSide("The message template was not found"),
	"21655": ourSide("The message template's id is not valid"),
	"21656": ourSide("The message template's values are not valid"),
	"21703": ourSide("The Messaging Service has no number to send from"),
	"21704": ourSide("The Messaging Service has no number to send from"),
	"21705": ourSide("The Messaging Service is not valid"),

	// What became of the text later.
	"30001": temporary("Too many of our texts were waiting at Twilio", 5*time.Minute),
	"30002": ourSide("Our Twilio account is suspended"),
	"30003": temporary("Phone is off or out of reach", 15*time.Minute),
	"30004": permanent("The customer or carrier blocked our number", bridge.StepEmail),
	"30005": badAddress("This number is not in service", bridge.StepFixNumber),
	"30006": badAddress("Landline: it cannot receive texts", bridge.StepEmail),
	"30007": content("The carrier's spam filter stopped it"),
	"30008": temporary("The carrier gave no reason", 5*time.Minute),
	"30009": permanent("A part of their text is missing", bridge.StepNone),
	"30010": ourSide("The text costs more than the limit that was set"),
	"30011": content("Their carrier takes no picture messages"),
	"30017": temporary("The carrier's network is congested", 5*time.Minute),
	"30018": ourSide("The carrier does not know our sender name"),
	"30019": content("The message is too big for their carrier"),
	"30022": temporary("We are texting faster than US carriers allow", time.Minute),
	"30023": temporary("Our daily limit of texts to T-Mobile is used up", hour), // until midnight Pacific
	"30024": ourSide("The carrier has not set up our sender name yet"),
	"30025": notice("Half of our daily limit of texts to T-Mobile is used"),
	"30026": notice("70 % of our daily limit of texts to T-Mobile is used"),
	"30027": temporary("Our daily limit of texts to T-Mobile is used up", hour),
	"30032": ourSide("Our toll-free number is not verified"),
	"30033": ourSide("Our registration for US texting is suspended"),
	"30034": ourSide("Our number is not registered for US texting (A2P 10DLC)"),
	"30035": temporary("Our number is still being set up for US texting", hour),
	"30036": temporary("It waited too long at Twilio and was not sent", 0),
	"30045": ourSide("The time limit of the text is not valid"),
	"30047": temporary("Twilio could not move it out of quiet hours", hour),
	"30410": ambiguous("The carrier did not answer, so it may or may not have arrived"),
	"30450": temporary("Twilio suspected fraud and held it back", 30*time.Minute),
	"30610": temporary("It is outside 8 am to 9 pm where they are", hour),
	"30640": permanent("The number is on a list of people who sue over texts", bridge.StepCall),
	"90007": ourSide("The time limit of the text is not valid"),

	// Other channels.
	"63001": ourSide("Twilio could not log in to the channel"),
	"63003": permanent("They are not on this channel", bridge.StepCall),
	"63005": content("The channel refused this text"),
	"63007": ourSide("Our sender is not set up on this channel"),
	"63016": content("More than 24 hours since they last wrote, so only a template may be sent"),
	"63018": temporary("We are sending faster than the channel allows", time.Minute),
	"63021": content("The channel refused this text"),
	"63024": permanent("They are not on this channel", bridge.StepCall),
	"63036": permanent("This phone cannot receive RCS messages", bridge.StepCall),
	"63038": temporary("Our daily limit of messages is used up", hour),
}
