package smstest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// VoiceURLs are where calls to the account's numbers are asked about. Empty is nowhere.
type VoiceURLs struct {
	Voice    string // what to do with a call
	Fallback string // the same, when Voice failed
	Status   string // a call is over
}

// SetVoice says where calls are asked about.
func (s *Server) SetVoice(u VoiceURLs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.voice = u
}

// A Pickup is what a phone does that rings.
type Pickup string

const (
	RingsOut     Pickup = ""              // nobody takes it
	PicksUp      Pickup = "picks_up"      // somebody does, and presses a key where they are asked to
	Answerphone  Pickup = "answerphone"   // the phone's own voicemail does, which presses none
	Engaged      Pickup = "engaged"       // it is busy
	CallerHangUp Pickup = "caller_hangup" // the caller hangs up while it rings
	ForwardsBack Pickup = "forwards_back" // it forwards the call to the line that it comes from
)

// Pickups lists what a phone can do.
var Pickups = [...]Pickup{RingsOut, PicksUp, Answerphone, Engaged, CallerHangUp, ForwardsBack}

// Callbacks are how the program is told of what happened, beside being asked what
// to do.
type Callbacks string

const (
	InOrder    Callbacks = ""
	Twice      Callbacks = "twice"       // each of them
	WrongOrder Callbacks = "wrong_order" // at the end, the last first
	NoneCome   Callbacks = "none_come"   // as if they were lost
)

// A Play is how a call goes. The zero Play rings out, and the caller hangs up at the
// tone.
type Play struct {
	Phones map[string]Pickup // by number
	Others Pickup            // of numbers that are not in Phones
	Talk   time.Duration     // with who picks up; 0 is 42 s
	// Voicemail is how long the caller speaks after the tone; 0: they hang up.
	Voicemail time.Duration
	Words     string // that Twilio hears in it; empty: it fails to
	Callbacks Callbacks
	// NotTold: the network of a phone that forwards does not say which phone it is.
	NotTold bool
}

// A Post is a form that the program got during a call, and its answer. Repost sends
// it again.
type Post struct {
	URL      string
	Form     url.Values
	Callback bool // it only told what happened; else it asked what to do
	Status   int
}

// Played is what happened in a call.
type Played struct {
	SID       string
	Said      []string // to the caller
	Rang      []string // numbers, in the order of the document
	TakenBy   string   // the number that the caller was put through to
	Recording string   // id of the voicemail
	Rejected  bool     // nobody took it, and the caller's side hears that the line is busy
	Round     []Played // calls that a phone forwarded back to the line meanwhile
	Posts     []Post
}

// Call calls a line, and returns when the call is over and all callbacks were posted.
// An error says why Twilio could not do what the program wanted; the caller hears
// that an application error has occurred, and the call is over then.
func (s *Server) Call(ctx context.Context, from, to string, p Play) (Played, error) {
	return s.call(ctx, from, to, "", 0, p)
}

// maxRound is how often a call goes round before Twilio has enough of it.
const maxRound = 8

func (s *Server) call(ctx context.Context, from, to, via string, round int, p Play) (Played, error) {
	s.mu.Lock()
	urls := s.voice
	s.mu.Unlock()
	if round > maxRound {
		return Played{}, errors.New("smstest: the call goes round and round")
	}
	if urls.Voice == "" {
		return Played{}, errors.New("smstest: nobody said where calls are asked about, see SetVoice")
	}
	c := &call{s: s, ctx: ctx, play: p, urls: urls, from: from, to: to, via: via, round: round, out: Played{SID: newID("CA")}}
	err := c.ask(urls.Voice, c.form("ringing", nil))
	if !errors.Is(err, errOver) {
		c.fail(err)
	}
	if urls.Status != "" {
		status := "completed"
		if c.out.Rejected {
			status = "busy"
		}
		c.tell(urls.Status, c.form(status, url.Values{
			"CallDuration": {seconds(c.length)}, "Duration": {strconv.Itoa(1 + int(c.length/time.Minute))}, "Timestamp": {stamp(time.Now())},
			"CallbackSource": {"call-progress-events"}, "SequenceNumber": {"0"},
		}))
	}
	for _, late := range slices.Backward(c.late) {
		c.post(late)
	}
	return c.out, c.err
}

// Repost sends a form of a call again, as Twilio does that got no answer.
func (s *Server) Repost(ctx context.Context, p Post) (status int, err error) {
	return s.post(ctx, p.URL, p.Form, newID(""))
}

// A call is one under way.
type call struct {
	s        *Server
	ctx      context.Context
	play     Play
	urls     VoiceURLs
	from, to string
	via      string // the phone that forwarded it
	round    int    // how often it did
	length   time.Duration
	out      Played
	late     []Post // callbacks that come at the end
	err      error  // the first
}

// errOver ends a call as it should.
var errOver = errors.New("the call is over")

func (c *call) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// form is what all forms about the caller's side of a call have, and more.
func (c *call) form(status string, more url.Values) url.Values {
	form := url.Values{
		"CallSid": {c.out.SID}, "AccountSid": {c.s.opts.AccountSID}, "ApiVersion": {"2010-04-01"}, "Direction": {"inbound"}, "CallStatus": {status},
		"From": {c.from}, "Caller": {c.from}, "To": {c.to}, "Called": {c.to},
	}
	for _, who := range []string{"From", "Caller", "To", "Called"} {
		for place, is := range map[string]string{"City": "", "State": "CA", "Zip": "", "Country": "US"} {
			form.Set(who+place, is)
		}
	}
	if c.via != "" && !c.play.NotTold {
		form.Set("ForwardedFrom", c.via)
	}
	maps.Copy(form, more)
	return form
}

// post sends a form, and notes it.
func (c *call) post(p Post) answer {
	a, err := c.s.request(c.ctx, p.URL, p.Form, newID(""))
	p.Status = a.status
	c.out.Posts = append(c.out.Posts, p)
	if err != nil {
		c.fail(err)
	}
	return a
}

// tell posts a callback, or does with it what the play wants.
func (c *call) tell(address string, form url.Values) {
	p := Post{URL: address, Form: form, Callback: true}
	switch c.play.Callbacks {
	case Twice:
		c.post(p)
		c.post(p)
	case WrongOrder:
		c.late = append(c.late, p)
	case NoneCome:
	case InOrder:
		c.post(p)
	}
}

// ask asks the program what to do with the caller, does it, and gives errOver, or why
// it cannot be done.
func (c *call) ask(address string, form url.Values) error {
	verbs, err := c.document(address, form)
	if err != nil {
		return err
	}
	for _, v := range verbs {
		switch v.XMLName.Local {
		case "Say":
			c.out.Said = append(c.out.Said, v.Text)
		case "Dial":
			err = c.dial(address, v)
		case "Gather":
			err = errors.New("smstest: a caller who presses keys is not played")
		case "Record":
			err = c.record(address, v)
		case "Reject":
			c.out.Rejected = true
			return errOver
		case "Hangup":
			return errOver
		}
		if err != nil {
			return err
		}
	}
	return errOver
}

// document asks what to do, at the fallback, too, where that is set.
func (c *call) document(address string, form url.Values) ([]verb, error) {
	a := c.post(Post{URL: address, Form: form})
	if c.urls.Fallback != "" && (a.status < 200 || a.status > 299) {
		again := maps.Clone(form)
		again.Set("ErrorCode", "11200")
		again.Set("ErrorUrl", address)
		a = c.post(Post{URL: c.urls.Fallback, Form: again})
	}
	if a.status < 200 || a.status > 299 {
		return nil, fmt.Errorf("smstest: error 11200, %s answered %d", address, a.status)
	}
	return readTwiML(a)
}

// A leg is one phone that rings for a caller.
type leg struct {
	sid, number string
	pickup      Pickup
	through     bool // the caller talks to whoever picked up
}

// dial rings the numbers, and asks what to do then. Phones that ring together are
// tried one after the other: the first that takes the call has it.
func (c *call) dial(base string, v verb) error {
	legs := make([]leg, 0, len(v.Inside))
	for _, n := range v.Inside {
		pickup, scripted := c.play.Phones[n.Text]
		if !scripted {
			pickup = c.play.Others
		}
		legs = append(legs, leg{newID("CA"), n.Text, pickup, false})
		c.out.Rang = append(c.out.Rang, n.Text)
	}
	if slices.ContainsFunc(legs, func(l leg) bool { return l.pickup == CallerHangUp }) {
		return errOver // nobody is asked any more, only the status comes
	}
	result := url.Values{"DialCallStatus": {"no-answer"}}
	for i := range legs {
		switch l := &legs[i]; l.pickup {
		case ForwardsBack:
			again, err := c.s.call(c.ctx, c.from, c.to, l.number, c.round+1, c.play)
			c.out.Round = append(append(c.out.Round, again), again.Round...)
			if err != nil {
				return err
			}
			result = url.Values{"DialCallStatus": {"busy"}} // what took it back is no person, and presses no key
		case Engaged:
			result = url.Values{"DialCallStatus": {"busy"}}
		case PicksUp, Answerphone:
			if err := c.pickUp(base, v.Inside[i], l); err != nil {
				return err
			}
			spoke := 5 * time.Second // with nobody
			if l.through {
				spoke = cmp.Or(c.play.Talk, 42*time.Second)
				c.out.TakenBy, c.length = l.number, c.length+spoke
			}
			result = url.Values{"DialCallStatus": {"completed"}, "DialCallSid": {l.sid}, "DialCallDuration": {seconds(spoke)}, "DialBridged": {strconv.FormatBool(l.through)}}
		case RingsOut, CallerHangUp:
		}
		if c.out.TakenBy != "" {
			break
		}
	}
	if v.attr("action") == "" {
		return nil
	}
	next, err := c.at(base, v.attr("action"))
	if err != nil {
		return err
	}
	return c.ask(next, c.form("in-progress", result))
}

// pickUp asks what to do with the one who picked up, before the caller is put through
// to them, and tells that they did.
func (c *call) pickUp(base string, n verb, l *leg) error {
	if strings.Contains(" "+n.attr("statusCallbackEvent")+" ", " answered ") {
		address, err := c.at(base, n.attr("statusCallback"))
		if err != nil {
			return err
		}
		c.tell(address, c.legForm(l, url.Values{"CallbackSource": {"call-progress-events"}, "SequenceNumber": {"2"}, "Timestamp": {stamp(time.Now())}}))
	}
	if n.attr("url") == "" {
		l.through = true
		return nil
	}
	address, err := c.at(base, n.attr("url"))
	if err != nil {
		return err
	}
	l.through, err = c.screen(address, l, nil)
	return err
}

// screen does to whoever picked up what the program wants, and reports whether the
// caller is put through to them: at the end of a document that does not hang up.
func (c *call) screen(address string, l *leg, more url.Values) (bool, error) {
	verbs, err := c.document(address, c.legForm(l, more))
	if err != nil {
		return false, err
	}
	for _, v := range verbs {
		switch v.XMLName.Local {
		case "Hangup":
			return false, nil
		case "Gather":
			if l.pickup != PicksUp {
				continue // no key within the time
			}
			next, err := c.at(address, cmp.Or(v.attr("action"), address))
			if err != nil {
				return false, err
			}
			return c.screen(next, l, url.Values{"Digits": {"1"}, "FinishedOnKey": {""}, "msg": {"Gather End"}})
		case "Say", "Pause":
		default:
			return false, fmt.Errorf("smstest: %s for who picks up is not played", v.XMLName.Local)
		}
	}
	return true, nil
}

// legForm is what all forms about a phone that rings for the caller have, and more.
func (c *call) legForm(l *leg, more url.Values) url.Values {
	form := c.form("in-progress", more)
	form.Set("CallSid", l.sid)
	form.Set("ParentCallSid", c.out.SID)
	form.Set("Direction", "outbound-dial")
	form.Set("To", l.number)
	form.Set("Called", l.number)
	return form
}

// record takes a voicemail, asks what to do then, and tells where it is and what
// was heard in it.
func (c *call) record(base string, v verb) error {
	if c.play.Voicemail == 0 {
		return errOver // they hung up at the tone
	}
	length := c.play.Voicemail
	if most, err := strconv.Atoi(v.attr("maxLength")); err == nil {
		length = min(length, time.Duration(most)*time.Second)
	}
	c.length += length
	sid, source := c.s.record(length)
	c.out.Recording = sid
	recorded := url.Values{"RecordingSid": {sid}, "RecordingUrl": {source}, "RecordingDuration": {seconds(length)}}
	next, err := c.at(base, cmp.Or(v.attr("action"), base))
	if err != nil {
		return err
	}
	end := c.ask(next, c.form("in-progress", with(recorded, "Digits", "hangup")))
	if to := v.attr("recordingStatusCallback"); to != "" {
		form := with(recorded, "RecordingStatus", "completed", "RecordingChannels", "1", "RecordingSource", "RecordVerb", "ErrorCode", "0",
			"RecordingStartTime", stamp(time.Now()), "CallSid", c.out.SID, "AccountSid", c.s.opts.AccountSID)
		if err := c.tellAt(base, to, form); err != nil {
			return err
		}
	}
	if to := v.attr("transcribeCallback"); to != "" && v.attr("transcribe") != "false" {
		form := c.form("completed", with(recorded, "TranscriptionSid", newID("TR"), "TranscriptionType", "fast", "TranscriptionStatus", "completed", "TranscriptionText", c.play.Words))
		if c.play.Words == "" {
			form.Set("TranscriptionStatus", "failed")
		}
		form.Del("RecordingDuration")
		if err := c.tellAt(base, to, form); err != nil {
			return err
		}
	}
	return end
}

func (c *call) tellAt(base, address string, form url.Values) error {
	to, err := c.at(base, address)
	if err == nil {
		c.tell(to, form)
	}
	return err
}

// at gives an address of a document, which may be relative to the document's own.
func (c *call) at(base, address string) (string, error) {
	b, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	u, err := b.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("smstest: error 11100, %q is no address", address)
	}
	return u.String(), nil
}

// with is a form with more in it: names and values by turns.
func with(form url.Values, more ...string) url.Values {
	out := maps.Clone(form)
	for pair := range slices.Chunk(more, 2) {
		out.Set(pair[0], pair[1])
	}
	return out
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
