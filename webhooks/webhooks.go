// Package webhooks is where carriers knock: verify, decode, hand to the door,
// answer. It has no rules of its own.
//
// A carrier is answered 2xx only when what it brought is durable. If the store
// cannot write, the answer is 5xx, so that the carrier tries its fallback.
package webhooks

import (
	"context"
	"errors"
	"io"
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

// MaxBody is the largest webhook that is read, in bytes. Twilio's largest, with
// 1,600 characters all escaped and ten media, stays under 20 KB.
const MaxBody = 64 << 10

// Options are what the webhooks need from the rest of the program.
type Options struct {
	Intake *intake.Intake
	Now    func() time.Time
	// PublicURL is how carriers reach us, without a final slash. Signatures are
	// over it, whatever a proxy calls us.
	PublicURL  string
	AccountSID string
	// Tokens are the auth tokens that may have signed; two while one is replaced.
	Tokens []string
	// Seen counts webhooks by route and result, for the metrics. May be nil.
	Seen func(route, result string)
}

// Twilio answers Twilio's webhooks.
type Twilio struct{ Options }

// New refuses options with which anybody could sign.
func New(o Options) (*Twilio, error) {
	if len(o.Tokens) == 0 || strings.Join(o.Tokens, "") == "" {
		return nil, &bridge.Invalid{Field: "twilio.auth_token", Problem: "without it anybody could forge texts"}
	}
	if o.PublicURL == "" {
		return nil, &bridge.Invalid{Field: "server.public_url", Problem: "signatures are over it"}
	}
	if o.Seen == nil {
		o.Seen = func(string, string) {}
	}
	return &Twilio{o}, nil
}

// Mount puts the routes where CARRIERS has them. The fallback is the same door.
func (t *Twilio) Mount(r gin.IRouter) {
	r.POST("/webhooks/twilio/sms", t.verified("sms", t.sms))
	r.POST("/webhooks/twilio/sms-fallback", t.verified("sms", t.sms))
	r.POST("/webhooks/twilio/status", t.verified("status", t.status))
	t.mountVoice(r)
}

// A refusal is why a webhook was not taken: the answer's code, its name in the
// metrics, and the log's words.
type refusal struct {
	code         int
	result, text string
}

// verified reads the body, bounded, and lets only what Twilio signed reach h. A text is
// answered with TwiML that says nothing: a message in it would bypass the outbox, and
// with it order, receipts and consent.
func (t *Twilio) verified(route string, h func(context.Context, *http.Request, url.Values, string) (sms.TwiML, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		raw, form, no := t.read(c.Request)
		var do sms.TwiML
		var err error
		if no == nil {
			if do, err = h(c.Request.Context(), c.Request, form, raw); err != nil {
				no = refused(err)
				slog.Error("webhook not taken", "route", route, "result", no.result, "err", err)
			}
		} else {
			slog.Warn("webhook refused", "route", route, "result", no.result, "why", no.text, "peer", c.Request.RemoteAddr)
		}
		if no != nil {
			t.Seen(route, no.result)
			c.String(no.code, "%s", no.text)
			return
		}
		t.Seen(route, "ok")
		answer, err := do.Encode()
		if err != nil {
			slog.Error("TwiML not written", "route", route, "err", err)
		}
		c.Data(http.StatusOK, "text/xml; charset=utf-8", answer)
	}
}

func (t *Twilio) read(r *http.Request) (raw string, form url.Values, no *refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return "", nil, &refusal{http.StatusRequestEntityTooLarge, "too_large", "the body is over 64 KB"}
	case err != nil:
		return "", nil, &refusal{http.StatusBadRequest, "unreadable", "the body ended early"}
	}
	form, err = url.ParseQuery(string(body))
	if err != nil {
		return "", nil, &refusal{http.StatusForbidden, "unreadable", "the body is not a form"}
	}
	signature := r.Header.Get("X-Twilio-Signature")
	if signature == "" {
		return "", nil, &refusal{http.StatusForbidden, "unsigned", "there is no signature"}
	}
	if !sms.Verify(t.Tokens, t.PublicURL+r.URL.RequestURI(), form, body, signature) {
		return "", nil, &refusal{http.StatusForbidden, "bad_signature", t.whyForged(r, form, body, signature)}
	}
	if got := form["AccountSid"]; len(got) != 1 || got[0] != t.AccountSID {
		return "", nil, &refusal{http.StatusForbidden, "other_account", "it is for another account"}
	}
	return string(body), form, nil
}

// whyForged tells a forgery from our own mistake: a signature that is right for
// the address that the request itself names means that public_url is wrong.
func (t *Twilio) whyForged(r *http.Request, form url.Values, body []byte, signature string) string {
	for _, scheme := range []string{"https://", "http://"} {
		if sms.Verify(t.Tokens, scheme+r.Host+r.URL.RequestURI(), form, body, signature) {
			return "the signature is Twilio's, but for another address: set server.public_url to the address that Twilio calls"
		}
	}
	return "the signature does not match"
}

// refused sorts errors: what the request got wrong is its own fault, everything
// else is ours, and the carrier shall try again.
func refused(err error) *refusal {
	var invalid *bridge.Invalid
	if errors.As(err, &invalid) {
		return &refusal{http.StatusBadRequest, "invalid", invalid.Error()}
	}
	return &refusal{http.StatusServiceUnavailable, "store_failed", "it could not be stored; try again"}
}

func (t *Twilio) sms(ctx context.Context, _ *http.Request, form url.Values, raw string) (sms.TwiML, error) {
	m, err := sms.DecodeInbound(form, t.AccountSID)
	if err != nil {
		return sms.TwiML{}, err
	}
	m.Raw, m.At = raw, t.Now()
	_, err = t.Intake.Receive(ctx, m)
	return sms.TwiML{}, err
}

func (t *Twilio) status(ctx context.Context, r *http.Request, form url.Values, raw string) (sms.TwiML, error) {
	receipt, err := sms.DecodeStatus(form, r.URL.Query().Get("d"))
	if err != nil {
		return sms.TwiML{}, err
	}
	receipt.Raw, receipt.At = raw, t.Now()
	_, err = t.Intake.Receipt(ctx, bridge.SMS, receipt)
	return sms.TwiML{}, err
}
