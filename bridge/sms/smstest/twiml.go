package smstest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"porchlight/bridge"
)

// A verb is one thing that the program wants done with a call, or a noun in one.
type verb struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Inside  []verb     `xml:",any"`
}

func (v verb) attr(name string) string {
	i := slices.IndexFunc(v.Attrs, func(a xml.Attr) bool { return a.Name.Local == name })
	if i < 0 {
		return ""
	}
	return v.Attrs[i].Value
}

// grammar says what may stand in what, with which attributes. It is less than Twilio
// takes: what is not here is a mistake, or needs a line here and somebody to play it.
var grammar = map[string]struct{ inside, attrs []string }{
	"Response": {inside: []string{"Say", "Pause", "Dial", "Gather", "Record", "Hangup", "Reject"}},
	"Say":      {attrs: []string{"voice", "language", "loop"}},
	"Pause":    {attrs: []string{"length"}},
	"Dial": {inside: []string{"Number"},
		attrs: []string{"action", "method", "timeout", "answerOnBridge", "callerId", "timeLimit", "hangupOnStar", "ringTone"}},
	"Number": {attrs: []string{"url", "method", "statusCallback", "statusCallbackEvent", "statusCallbackMethod"}},
	"Gather": {inside: []string{"Say", "Pause"}, attrs: []string{"action", "method", "input", "numDigits", "timeout", "finishOnKey", "actionOnEmptyResult"}},
	"Record": {attrs: []string{"action", "method", "recordingStatusCallback", "recordingStatusCallbackEvent", "recordingStatusCallbackMethod",
		"maxLength", "timeout", "finishOnKey", "playBeep", "trim", "transcribe", "transcribeCallback"}},
	"Hangup": {},
	"Reject": {attrs: []string{"reason"}},
}

// readTwiML gives the verbs of an answer. It is strict: Twilio ends a call with an
// error, or passes over what it does not know, and neither shows in a test.
func readTwiML(a answer) ([]verb, error) {
	if kind, _, err := mime.ParseMediaType(a.kind); err != nil || kind != "text/xml" && kind != "application/xml" {
		return nil, fmt.Errorf("smstest: error 12300, the answer is %q, not XML", a.kind)
	}
	d := xml.NewDecoder(bytes.NewReader(a.body))
	var root verb
	if err := d.Decode(&root); err != nil {
		return nil, fmt.Errorf("smstest: error 12100, the answer cannot be read: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("smstest: error 12100, something follows the document")
	}
	if root.XMLName.Local != "Response" {
		return nil, fmt.Errorf("smstest: error 12100, the document is a %s", root.XMLName.Local)
	}
	return root.Inside, check(root)
}

// check holds a verb and all in it to the grammar.
func check(v verb) error {
	name := v.XMLName.Local
	for _, a := range v.Attrs {
		if !slices.Contains(grammar[name].attrs, a.Name.Local) {
			return fmt.Errorf("smstest: warning 12200, %s has no %s", name, a.Name.Local)
		}
		if strings.HasSuffix(strings.ToLower(a.Name.Local), "method") && a.Value != http.MethodPost {
			return fmt.Errorf("smstest: %s by %s is not played", name, a.Value)
		}
	}
	if p, err := bridge.ParsePhone(v.Text); name == "Number" && (err != nil || string(p) != v.Text) {
		return fmt.Errorf("smstest: error 13224, %q is no number", v.Text)
	}
	for _, in := range v.Inside {
		if !slices.Contains(grammar[name].inside, in.XMLName.Local) {
			return fmt.Errorf("smstest: error 12200, no %s stands in a %s", in.XMLName.Local, name)
		}
		if err := check(in); err != nil {
			return err
		}
	}
	return nil
}

// describe is what a spectator wants to see of a document.
func describe(verbs []verb) string {
	var parts []string
	for _, v := range verbs {
		switch name := v.XMLName.Local; name {
		case "Say":
			parts = append(parts, "Say “"+v.Text+"”")
		case "Dial", "Gather":
			var inside []string
			for _, in := range v.Inside {
				inside = append(inside, in.Text)
			}
			parts = append(parts, name+" "+strings.Join(inside, " "))
		default:
			parts = append(parts, name)
		}
	}
	return strings.Join(parts, ", ")
}
