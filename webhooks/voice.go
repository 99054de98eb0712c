package webhooks

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/sms"
)

// Calls to a line. Twilio asks what to do with each, and tells how it went:
//
//	voice    → greeting, ring the phones on duty or the AI receptionist
//	screen   → whoever takes it presses a key first (screened)
//	dialed   → nobody did: voicemail
//	recorded, recording, transcript → the voicemail
//	voice-status → it is over, also where the caller hung up before anything else
func (t *Twilio) mountVoice(r gin.IRouter) {
	r.POST("/webhooks/twilio/voice", t.verified("voice", t.voice))
	r.POST("/webhooks/twilio/voice-fallback", t.verified("voice", t.voiceFallback))
	r.POST("/webhooks/twilio/voice-status", t.verified("voice status", t.callOver))
	v := r.Group("/webhooks/twilio/voice")
	v.POST("/screen", t.verified("voice screen", t.screen))
	v.POST("/screened", t.verified("voice screened", t.screened))
	v.POST("/taken", t.verified("voice taken", t.taken))
	v.POST("/dialed", t.verified("voice dialed", t.dialed))
	v.POST("/recorded", t.verified("voice recorded", t.recorded))
	v.POST("/recording", t.verified("voice recording", t.recording))
	v.POST("/transcript", t.verified("voice transcript", t.transcript))
}

func (t *Twilio) voiceURL(what string) string { return t.PublicURL + "/webhooks/twilio/voice/" + what }

func (t *Twilio) voice(ctx context.Context, _ *http.Request, form url.Values, raw string) (sms.TwiML, error) {
	c, err := sms.DecodeCall(form)
	if err != nil {
		return sms.TwiML{}, err
	}
	plan, err := t.Intake.CallBegins(ctx, c, raw)
	if err != nil {
		return sms.TwiML{}, err
	}
	if plan.Refuse {
		return sms.TwiML{Verbs: []any{sms.Reject{Reason: "busy"}}}, nil
	}
	// Where dialed could not be answered, the fallback is asked in its place.
	if len(plan.Numbers) == 0 || strings.HasSuffix(form.Get("ErrorUrl"), "/voice/dialed") {
		return t.nobodyCame(ctx, c, bridge.Missed)
	}
	dial := sms.Dial{Action: t.voiceURL("dialed"), Timeout: int(plan.Ring / time.Second), AnswerOnBridge: true}
	for _, phone := range plan.Numbers {
		n := sms.Number{Phone: string(phone)}
		if plan.Screen {
			n.URL = t.voiceURL("screen")
		} else {
			n.Status, n.Events = t.voiceURL("taken"), "answered"
		}
		dial.Numbers = append(dial.Numbers, n)
	}
	return sms.TwiML{Verbs: []any{sms.Say{Text: plan.Greeting}, dial}}, nil
}

// voiceFallback is asked when voice could not be answered. Where the store still cannot
// be written, the phones on duty ring all the same: a call that is not kept is better than
// one that nobody hears.
func (t *Twilio) voiceFallback(ctx context.Context, r *http.Request, form url.Values, raw string) (sms.TwiML, error) {
	do, err := t.voice(ctx, r, form, raw)
	c, bad := sms.DecodeCall(form)
	phones := t.Intake.Rings(c)
	if err == nil || bad != nil || len(phones) == 0 {
		return do, err
	}
	slog.Error("a call is put through and not kept", "err", err)
	dial := sms.Dial{Timeout: int((&bridge.CallSettings{}).RingTime() / time.Second), AnswerOnBridge: true}
	for _, phone := range phones {
		dial.Numbers = append(dial.Numbers, sms.Number{Phone: string(phone)})
	}
	return sms.TwiML{Verbs: []any{dial}}, nil
}

// screenTime is how long who takes a call has to press a key, in seconds.
const screenTime = 8

// screen asks whoever picked up to press a key: their own voicemail cannot.
func (t *Twilio) screen(context.Context, *http.Request, url.Values, string) (sms.TwiML, error) {
	return sms.TwiML{Verbs: []any{
		sms.Gather{Action: t.voiceURL("screened"), NumDigits: 1, Timeout: screenTime, Verbs: []any{
			sms.Say{Text: "A call for " + t.Intake.Business + ". Press any key to take it."},
		}},
		sms.Hangup{},
	}}, nil
}

// screened puts the caller through: an empty answer does.
func (t *Twilio) screened(ctx context.Context, r *http.Request, form url.Values, raw string) (sms.TwiML, error) {
	return t.taken(ctx, r, form, raw)
}

func (t *Twilio) taken(ctx context.Context, _ *http.Request, form url.Values, _ string) (sms.TwiML, error) {
	call, err := sms.DecodeTaken(form)
	if err != nil {
		return sms.TwiML{}, err
	}
	return sms.TwiML{}, t.Intake.CallTaken(ctx, call)
}

func (t *Twilio) dialed(ctx context.Context, _ *http.Request, form url.Values, _ string) (sms.TwiML, error) {
	c, word, err := sms.DecodeDialed(form)
	if err != nil {
		return sms.TwiML{}, err
	}
	return t.nobodyCame(ctx, c, word)
}

// nobodyCame ends a call that somebody took, and lets the caller leave word otherwise.
func (t *Twilio) nobodyCame(ctx context.Context, c bridge.Call, word bridge.CallState) (sms.TwiML, error) {
	known, plan, err := t.Intake.CallEnds(ctx, c, word)
	if err != nil || known.State == bridge.Answered {
		return sms.TwiML{Verbs: []any{sms.Hangup{}}}, err
	}
	return t.leaveWord(plan), nil
}

// maxVoicemail is the longest voicemail that is taken, in seconds, and silence is what
// ends one.
const (
	maxVoicemail = 180
	silence      = 6
)

// leaveWord lets a caller whom nobody answered leave word.
func (t *Twilio) leaveWord(plan intake.CallPlan) sms.TwiML {
	if plan.Voicemail == "" {
		return sms.TwiML{Verbs: []any{sms.Say{Text: "Sorry, nobody can take your call right now. Please text this number. Goodbye."}, sms.Hangup{}}}
	}
	return sms.TwiML{Verbs: []any{
		sms.Say{Text: plan.Voicemail},
		sms.Record{Action: t.voiceURL("recorded"), Status: t.voiceURL("recording"), MaxLength: maxVoicemail, Timeout: silence, PlayBeep: true,
			Transcribe: true, Words: t.voiceURL("transcript")},
	}}
}

func (t *Twilio) recorded(context.Context, *http.Request, url.Values, string) (sms.TwiML, error) {
	return sms.TwiML{Verbs: []any{sms.Say{Text: "Thank you. Goodbye."}, sms.Hangup{}}}, nil
}

func (t *Twilio) recording(ctx context.Context, _ *http.Request, form url.Values, _ string) (sms.TwiML, error) {
	call, id, source, length, ok, err := sms.DecodeRecording(form)
	if err != nil || !ok {
		return sms.TwiML{}, err
	}
	return sms.TwiML{}, unknownCall(t.Intake.CallRecorded(ctx, intake.Recorded{Call: call, ID: id, Source: source, Duration: length}))
}

func (t *Twilio) transcript(ctx context.Context, _ *http.Request, form url.Values, _ string) (sms.TwiML, error) {
	call, words, err := sms.DecodeTranscript(form)
	if err != nil {
		return sms.TwiML{}, err
	}
	return sms.TwiML{}, unknownCall(t.Intake.CallTranscribed(ctx, call, words))
}

// unknownCall says which field is wrong where nobody knows the call.
func unknownCall(err error) error {
	if errors.Is(err, bridge.ErrNotFound) {
		return &bridge.Invalid{Field: "CallSid", Problem: "this call is not known"}
	}
	return err
}

func (t *Twilio) callOver(ctx context.Context, _ *http.Request, form url.Values, _ string) (sms.TwiML, error) {
	c, over, err := sms.DecodeCallOver(form)
	if err != nil || !over {
		return sms.TwiML{}, err
	}
	_, _, err = t.Intake.CallEnds(ctx, c, "")
	return sms.TwiML{}, err
}
