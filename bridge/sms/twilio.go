// Package sms is the Twilio carrier: it sends and finds texts, reads what
// Twilio posts, and knows what Twilio's words and codes mean.
package sms

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"

	"github.com/twilio/twilio-go/client"
	openapi "github.com/twilio/twilio-go/rest/api/v2010"
)

const (
	// DefaultBaseURL is where Twilio's REST API lives.
	DefaultBaseURL = "https://api.twilio.com"
	// DefaultTimeout is the wait for one answer, connecting included.
	DefaultTimeout = 10 * time.Second
	// MaxText is the longest body that Twilio takes, in characters.
	MaxText = 1600
)

// Options say how to reach Twilio and as whom.
type Options struct {
	AccountSID string
	// APIKeySID is the SK… of an API key, empty to log in as the account.
	APIKeySID string
	// Secret is the API key's secret, or the account's auth token.
	Secret string
	// BaseURL is DefaultBaseURL unless a double or a proxy stands in for it.
	BaseURL string
	// MessagingServiceSID lets Twilio choose the sender; empty sends from the line.
	MessagingServiceSID string
	// StatusURL is where Twilio reports; "?d=<token>" is appended. Empty asks
	// for no reports.
	StatusURL string
	Timeout   time.Duration // 0 is DefaultTimeout
	// HTTP lends its Transport; nil makes one that keeps 64 idle connections.
	HTTP *http.Client
}

// Twilio is a bridge.Carrier for SMS. It may be used by many goroutines.
type Twilio struct {
	account, user, secret string
	service, statusURL    string
	base                  *url.URL
	timeout               time.Duration
	transport             http.RoundTripper
}

var _ bridge.Carrier = (*Twilio)(nil)

var (
	accountPattern = regexp.MustCompile(`^AC[0-9a-f]{32}$`)
	keyPattern     = regexp.MustCompile(`^SK[0-9a-f]{32}$`)
	servicePattern = regexp.MustCompile(`^MG[0-9a-f]{32}$`)
	// twilio-go sends no request with any other character in a secret.
	secretPattern = regexp.MustCompile(`^[a-zA-Z0-9]+$`)
)

// New checks the options without calling Twilio. Its errors are *bridge.Invalid.
func New(o Options) (*Twilio, error) {
	switch {
	case !accountPattern.MatchString(o.AccountSID):
		return nil, &bridge.Invalid{Field: "account_sid", Problem: "copy the Account SID from the Twilio console: AC and 32 characters"}
	case o.APIKeySID != "" && !keyPattern.MatchString(o.APIKeySID):
		return nil, &bridge.Invalid{Field: "api_key_sid", Problem: "copy the API key's SID from the Twilio console: SK and 32 characters"}
	case !secretPattern.MatchString(o.Secret):
		return nil, &bridge.Invalid{Field: "secret", Problem: "copy the auth token or API key secret: letters and digits only, without spaces"}
	case o.MessagingServiceSID != "" && !servicePattern.MatchString(o.MessagingServiceSID):
		return nil, &bridge.Invalid{Field: "messaging_service_sid", Problem: "copy the Messaging Service's SID: MG and 32 characters"}
	}
	base, err := url.Parse(cmp.Or(o.BaseURL, DefaultBaseURL))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, &bridge.Invalid{Field: "base_url", Problem: "write an address that starts with https:// or leave it out"}
	}
	if err := checkStatusURL(o.StatusURL); err != nil {
		return nil, err
	}
	t := &Twilio{
		account: o.AccountSID, user: cmp.Or(o.APIKeySID, o.AccountSID), secret: o.Secret,
		service: o.MessagingServiceSID, statusURL: o.StatusURL,
		base: base, timeout: cmp.Or(o.Timeout, DefaultTimeout), transport: newTransport(),
	}
	if o.HTTP != nil && o.HTTP.Transport != nil {
		t.transport = o.HTTP.Transport
	}
	return t, nil
}

func checkStatusURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return &bridge.Invalid{Field: "status_url", Problem: "write the full public address, starting with https://"}
	}
	if strings.Contains(u.Hostname(), "_") { // Twilio answers 21609
		return &bridge.Invalid{Field: "status_url", Problem: "Twilio takes no host name with an underscore"}
	}
	return nil
}

// api gives a client whose every call obeys the context. The handler is made
// here because the library's own constructor reads TWILIO_EDGE and
// TWILIO_REGION, which would mangle the host behind the operator's back.
func (t *Twilio) api(ctx context.Context) (*openapi.ApiService, *call) {
	c := &call{ctx: ctx, base: t.base, next: t.transport}
	cl := &client.Client{
		Credentials: client.NewCredentials(t.user, t.secret),
		HTTPClient: &http.Client{
			Transport:     c,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	cl.SetAccountSid(t.account)
	return openapi.NewApiService(&client.RequestHandler{Client: cl}), c
}

// Send makes one attempt to hand a text to Twilio.
func (t *Twilio) Send(ctx context.Context, o bridge.Outgoing) bridge.Outcome {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return bridge.Outcome{Kind: bridge.Retry, Code: CodeNetwork, Detail: err.Error()}
	}
	p := &openapi.CreateMessageParams{}
	p.SetTo(o.To)
	if o.Body != "" || len(o.Media) == 0 { // a picture alone has no text
		p.SetBody(o.Body)
	}
	if len(o.Media) > 0 {
		p.SetMediaUrl(o.Media)
	}
	// Smart encoding would change the body, and Find compares bodies.
	p.SetSmartEncoded(false)
	// A text that waits at Twilio for longer than it is worth is not sent.
	p.SetValidityPeriod(int(bridge.KeepTrying / time.Second))
	if t.service != "" {
		p.SetMessagingServiceSid(t.service)
	} else {
		p.SetFrom(o.From)
	}
	if t.statusURL != "" {
		p.SetStatusCallback(t.callbackURL(o.Token))
	}
	api, c := t.api(ctx)
	m, err := api.CreateMessage(p)
	if err != nil {
		return classify(c, err)
	}
	sid := str(m.Sid)
	if !sidPattern.MatchString(sid) {
		return bridge.Outcome{Kind: bridge.Lost, Code: CodeServer, Detail: fmt.Sprintf("answer %d without a message id", c.status)}
	}
	n, _ := strconv.Atoi(str(m.NumSegments))
	return bridge.Outcome{Kind: bridge.Accepted, CarrierID: sid, Segments: n}
}

func (t *Twilio) callbackURL(token string) string {
	sep := "?"
	if strings.Contains(t.statusURL, "?") {
		sep = "&"
	}
	return t.statusURL + sep + "d=" + url.QueryEscape(token)
}

// ReadStatus translates Twilio's word for an outbound message's state. From
// "accepted" on Twilio has the text, which is what bridge.Sent means. A text
// canceled at Twilio was canceled by somebody else, and it did not arrive.
func (t *Twilio) ReadStatus(status string) (bridge.DeliveryState, bool) {
	switch status {
	case "accepted", "scheduled", "queued", "sending", "sent", "partially_delivered":
		return bridge.Sent, true
	case "delivered":
		return bridge.Delivered, true
	case "undelivered":
		return bridge.Undelivered, true
	case "failed", "canceled":
		return bridge.Failed, true
	case "read":
		return bridge.Read, true
	}
	return "", false
}

// Explain translates Twilio's error code for people; see the package function.
func (t *Twilio) Explain(code string) bridge.Failure { return Explain(code) }

func str(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
