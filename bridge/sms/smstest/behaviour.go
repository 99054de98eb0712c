package smstest

import (
	"net/http"
	"time"
)

// A Behaviour is what becomes of texts to a number.
type Behaviour string

const (
	Reachable           Behaviour = "reachable"      // sent, then delivered
	SwitchedOff         Behaviour = "switched_off"   // sent, then undelivered 30003
	Blocked             Behaviour = "blocked"        // undelivered 30004: the person or carrier blocks us
	OutOfService        Behaviour = "out_of_service" // undelivered 30005
	Landline            Behaviour = "landline"       // undelivered 30006
	Filtered            Behaviour = "filtered"       // undelivered 30007: the carrier's spam filter
	NoReason            Behaviour = "no_reason"      // undelivered 30008
	Unregistered        Behaviour = "unregistered"   // undelivered 30034
	OptedOut            Behaviour = "opted_out"      // refused with 21610
	Invalid             Behaviour = "invalid"        // refused with 21211
	Slow                Behaviour = "slow"           // delivered after 8 s
	LostAnswer          Behaviour = "lost_answer"    // taken, and the connection closed without an answer
	DuplicateCallbacks  Behaviour = "duplicate_callbacks"
	OutOfOrderCallbacks Behaviour = "out_of_order_callbacks" // delivered is reported before sent
	EarlyCallback       Behaviour = "early_callback"         // sent is reported before the create is answered
	Busy                Behaviour = "busy"                   // 429 a few times, then taken
	ServerError         Behaviour = "server_error"           // 500 with HTML, not taken
	SilentServerError   Behaviour = "silent_server_error"    // 500 with HTML, but taken
	NeverReported       Behaviour = "never_reported"         // delivered, but no callback ever comes
)

// Behaviours lists every behaviour.
var Behaviours = [...]Behaviour{Reachable, SwitchedOff, Blocked, OutOfService, Landline, Filtered, NoReason, Unregistered,
	OptedOut, Invalid, Slow, LostAnswer, DuplicateCallbacks, OutOfOrderCallbacks, EarlyCallback, Busy, ServerError,
	SilentServerError, NeverReported}

// A Number is a phone that the demo offers. Says is what happens to a text to
// it, in words.
type Number struct {
	Phone     string
	Behaviour Behaviour
	Says      string
}

// Numbers lists the phones that behave from the start, all of the range that
// is kept for fiction. Any other number is Reachable.
func Numbers() []Number {
	return []Number{
		{"+14155550170", Reachable, "Arrives"},
		{"+14155550171", SwitchedOff, "The phone is switched off"},
		{"+14155550172", Landline, "It is a landline"},
		{"+14155550173", Blocked, "They blocked us"},
		{"+14155550174", Filtered, "The carrier's spam filter stops it"},
		{"+14155550175", OutOfService, "The number is not in service"},
		{"+14155550176", NoReason, "It fails without a reason"},
		{"+14155550177", Unregistered, "Our number is not registered"},
		{"+14155550178", OptedOut, "They texted STOP before"},
		{"+14155550179", Invalid, "The number is not valid"},
		{"+14155550180", Slow, "Arrives after a while"},
		{"+14155550181", LostAnswer, "Arrives, but Twilio's answer is lost"},
		{"+14155550182", DuplicateCallbacks, "Arrives, and everything is reported twice"},
		{"+14155550183", OutOfOrderCallbacks, "Arrives, and is reported in the wrong order"},
		{"+14155550184", EarlyCallback, "Arrives, and is reported before Twilio answers"},
		{"+14155550185", Busy, "Twilio is busy at first"},
		{"+14155550186", ServerError, "Twilio fails and does not send it"},
		{"+14155550187", SilentServerError, "Twilio fails but sends it all the same"},
		{"+14155550188", NeverReported, "Arrives, and is never reported"},
	}
}

// A Fault is one scripted answer to a create request.
type Fault struct {
	Status     int    // 0 drops the connection
	Code       int    // of Twilio's JSON error; 0 answers with HTML
	RetryAfter string // header, if any
	Store      bool   // the text is taken all the same
	Delay      time.Duration
	Body       string // instead of the usual body of an error
}

// Script makes the next creates meet the faults, one each, whatever their number.
func (s *Server) Script(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// FailNext makes the next n creates fail with the status: 4xx with Twilio's
// JSON, 5xx with a page of HTML. Nothing is taken.
func (s *Server) FailNext(n, status int) {
	f := Fault{Status: status}
	switch {
	case status == http.StatusTooManyRequests:
		f.Code = 20429
	case status == http.StatusUnauthorized:
		f.Code = 20003
	case status == http.StatusNotFound:
		f.Code = 20404
	case status < 500:
		f.Code = 21211
	}
	for range n {
		s.Script(f)
	}
}

// DropNext takes the next n texts and closes the connection without an answer.
func (s *Server) DropNext(n int) {
	for range n {
		s.Script(Fault{Store: true})
	}
}

// A step is one report on a text.
type step struct {
	after   time.Duration // since the create
	status  string
	code    int
	arrives bool // the handset shows it
}

// plan is what will be reported on a text that was taken.
func (d Delays) plan(b Behaviour) []step {
	sent := step{after: d.Sent, status: "sent"}
	undelivered := func(code int) []step {
		return []step{sent, {after: d.Delivered, status: "undelivered", code: code}}
	}
	delivered := step{after: d.Delivered, status: "delivered", arrives: true}
	switch b {
	case SwitchedOff:
		return undelivered(30003)
	case Blocked:
		return undelivered(30004)
	case OutOfService:
		return undelivered(30005)
	case Landline:
		return undelivered(30006)
	case Filtered:
		return undelivered(30007)
	case NoReason:
		return undelivered(30008)
	case Unregistered:
		return undelivered(30034)
	case Slow:
		delivered.after = d.Slow
	case OutOfOrderCallbacks:
		return []step{{after: d.Sent, status: "delivered", arrives: true}, {after: d.Delivered, status: "sent"}}
	case EarlyCallback:
		return []step{delivered} // sent was reported before the answer
	case Reachable, DuplicateCallbacks, LostAnswer, Busy, ServerError, SilentServerError, NeverReported, OptedOut, Invalid:
	}
	return []step{sent, delivered}
}
