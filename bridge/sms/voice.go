package sms

// Calls to a line, as Twilio tells of them and as it wants to be told what to do: forms
// in, TwiML out. https://www.twilio.com/docs/voice/twiml

import (
	"encoding/xml"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"
)

var (
	callPattern      = regexp.MustCompile(`^CA[0-9a-f]{32}$`)
	recordingPattern = regexp.MustCompile(`^RE[0-9a-f]{32}$`)
)

func (f *fields) call(name string) string {
	v := f.required(name)
	if !callPattern.MatchString(v) {
		f.refuse(name, "is not a call id")
	}
	return v
}

func (f *fields) seconds(name string) time.Duration {
	v := f.optional(name)
	if v == "" {
		return 0
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 24*3600 {
		f.refuse(name, "is not a number of seconds")
		return 0
	}
	return time.Duration(n) * time.Second
}

// DecodeCall reads Twilio's form of a call to a line: who called, which line, and which
// phone forwarded it there, where the network tells.
// Errors are *bridge.Invalid with Twilio's name of the field.
func DecodeCall(form url.Values) (bridge.Call, error) {
	f := fields{form: form}
	c := bridge.Call{CarrierID: f.call("CallSid"), To: f.address("To")}
	if d := f.optional("Direction"); d != "" && d != "inbound" {
		f.refuse("Direction", "is not that of a call to a line") // a phone that rings for a caller, say
	}
	if p, err := bridge.ParseCaller(f.optional("From")); err == nil {
		c.From = string(p)
	} // what is no number, such as a SIP address, cannot be texted or called back either
	if p, err := bridge.ParseCaller(f.optional("ForwardedFrom")); err == nil {
		c.Via = string(p)
	}
	return c, f.err
}

// DecodeDialed reads the form that Twilio sends when the phones that it rang are done:
// whether somebody talked to the caller, and for how long.
func DecodeDialed(form url.Values) (c bridge.Call, word bridge.CallState, err error) {
	if c, err = DecodeCall(form); err != nil {
		return c, "", err
	}
	f := fields{form: form}
	status, bridged := f.optional("DialCallStatus"), f.optional("DialBridged")
	c.Duration = f.seconds("DialCallDuration")
	word = bridge.Missed
	if (status == "completed" || status == "answered") && bridged != "false" {
		word = bridge.Answered
	}
	return c, word, f.err
}

// DecodeCallOver reads the form that Twilio sends when a call is over. ok is false for
// one that says that it still goes on.
func DecodeCallOver(form url.Values) (c bridge.Call, ok bool, err error) {
	if c, err = DecodeCall(form); err != nil {
		return c, false, err
	}
	f := fields{form: form}
	c.Duration = f.seconds("CallDuration")
	switch f.required("CallStatus") {
	case "completed", "busy", "no-answer", "canceled", "failed":
		ok = true
	}
	return c, ok, f.err
}

// DecodeTaken reads the form of the other leg of a call, which somebody has taken, and
// gives the id of the call itself.
func DecodeTaken(form url.Values) (call string, err error) {
	f := fields{form: form}
	call = f.call("ParentCallSid")
	return call, f.err
}

// DecodeRecording reads the form of a voicemail that is complete. ok is false for any
// other word on a recording.
func DecodeRecording(form url.Values) (call, id, source string, length time.Duration, ok bool, err error) {
	f := fields{form: form}
	call, id = f.call("CallSid"), f.required("RecordingSid")
	if !recordingPattern.MatchString(id) {
		f.refuse("RecordingSid", "is not a recording id")
	}
	source, length = f.required("RecordingUrl"), f.seconds("RecordingDuration")
	if u, err := url.Parse(source); err != nil || u.Host == "" || len(source) > 1000 {
		f.refuse("RecordingUrl", "is not an address")
	}
	status := f.optional("RecordingStatus")
	return call, id, source + ".mp3", length, (status == "" || status == "completed") && length > 0, f.err
}

// DecodeTranscript reads the words of a voicemail as Twilio heard them; empty where it
// could not.
func DecodeTranscript(form url.Values) (call, words string, err error) {
	f := fields{form: form}
	call, words = f.call("CallSid"), strings.TrimSpace(f.optional("TranscriptionText"))
	if f.optional("TranscriptionStatus") == "failed" {
		words = ""
	}
	if r := []rune(words); len(r) > bridge.MaxBody {
		words = string(r[:bridge.MaxBody])
	}
	return call, words, f.err
}

// TwiML is what Twilio does with a call, in order.
type TwiML struct {
	XMLName xml.Name `xml:"Response"`
	Verbs   []any
}

// A Say is spoken to the caller.
type Say struct {
	XMLName xml.Name `xml:"Say"`
	Text    string   `xml:",chardata"`
}

// A Dial rings phones at the same time; the first that takes the call has it.
type Dial struct {
	XMLName        xml.Name `xml:"Dial"`
	Action         string   `xml:"action,attr,omitempty"`
	Timeout        int      `xml:"timeout,attr"` // seconds
	AnswerOnBridge bool     `xml:"answerOnBridge,attr"`
	Numbers        []Number
}

// A Number is a phone that rings. URL is asked what to do before the caller is put
// through.
type Number struct {
	XMLName xml.Name `xml:"Number"`
	URL     string   `xml:"url,attr,omitempty"`
	Status  string   `xml:"statusCallback,attr,omitempty"`
	Events  string   `xml:"statusCallbackEvent,attr,omitempty"`
	Phone   string   `xml:",chardata"`
}

// A Gather waits for a key.
type Gather struct {
	XMLName   xml.Name `xml:"Gather"`
	Action    string   `xml:"action,attr"`
	NumDigits int      `xml:"numDigits,attr"`
	Timeout   int      `xml:"timeout,attr"` // seconds
	Verbs     []any
}

// A Record takes a voicemail.
type Record struct {
	XMLName    xml.Name `xml:"Record"`
	Action     string   `xml:"action,attr"`
	Status     string   `xml:"recordingStatusCallback,attr"`
	MaxLength  int      `xml:"maxLength,attr"` // seconds
	Timeout    int      `xml:"timeout,attr"`   // seconds of silence that end it
	PlayBeep   bool     `xml:"playBeep,attr"`
	Transcribe bool     `xml:"transcribe,attr"`
	Words      string   `xml:"transcribeCallback,attr"`
}

// A Reject refuses a call that was not answered yet: the caller's side hears that we are
// busy, and nothing is billed.
type Reject struct {
	XMLName xml.Name `xml:"Reject"`
	Reason  string   `xml:"reason,attr"`
}

// A Hangup ends the call.
type Hangup struct {
	XMLName xml.Name `xml:"Hangup"`
}

// Encode writes TwiML.
func (t TwiML) Encode() ([]byte, error) {
	head := []byte(`<?xml version="1.0" encoding="UTF-8"?>`)
	if len(t.Verbs) == 0 { // almost all
		return append(head, "<Response/>"...), nil
	}
	b, err := xml.Marshal(t)
	return append(head, b...), err
}
