package receptionist

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"porchlight/bridge"
)

// A Hook tells the AI receptionist of messages by signed webhook. It is a carrier like
// any other, so that what it is told obeys the outbox: committed first, in order, tried
// again. A word whose answer was lost is said again, under the same webhook-id.
type Hook struct {
	url    string
	wh     *standardwebhooks.Webhook
	client *http.Client
	now    func() time.Time
}

// NewHook makes it. key signs, as Standard Webhooks has it.
func NewHook(url string, key []byte, now func() time.Time) (*Hook, error) {
	wh, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return nil, err
	}
	return &Hook{url: url, wh: wh, now: now, client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 10 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // a redirect would lose the body, or send it to another
		},
	}}, nil
}

// Close ends the connections that wait.
func (k *Hook) Close() { k.client.CloseIdleConnections() }

// Send posts what o.Body says.
func (k *Hook) Send(ctx context.Context, o bridge.Outgoing) bridge.Outcome {
	again := func(code, detail string) bridge.Outcome {
		return bridge.Outcome{Kind: bridge.Retry, Code: code, Detail: detail}
	}
	id, now := "msg_"+o.Token, k.now()
	signature, err := k.wh.Sign(id, now, []byte(o.Body))
	if err != nil {
		return again("sign", err.Error())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, k.url, strings.NewReader(o.Body))
	if err != nil {
		return bridge.Outcome{Kind: bridge.Refused, Code: "url", Detail: "receptionist.bot_url cannot be called"}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Porchlight")
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	res, err := k.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address, which may hold a secret
		}
		return again("no_answer", err.Error())
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is used again
	code := strconv.Itoa(res.StatusCode)
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return bridge.Outcome{Kind: bridge.Accepted, Final: true}
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode == http.StatusRequestTimeout, res.StatusCode == http.StatusTooEarly, res.StatusCode >= 500:
		out := again(code, "the receptionist's server is busy or broken")
		if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 && s < 3600 {
			out.RetryAfter = time.Duration(s) * time.Second
		}
		return out
	}
	return bridge.Outcome{Kind: bridge.Refused, Code: code, Detail: "the receptionist's server does not want it; " + whatToCheck(res.StatusCode)}
}

// whatToCheck says where to look when the receptionist's server refuses.
func whatToCheck(status int) string {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "is receptionist.bot_secret the same on both sides?"
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return "is receptionist.bot_url right?"
	}
	if status < 400 {
		return "receptionist.bot_url must be its final address, for redirects are not followed"
	}
	return "its own log says why"
}

// Find tells that a receptionist keeps no list.
func (*Hook) Find(context.Context, bridge.Outgoing, time.Time) ([]bridge.Found, error) {
	return nil, bridge.ErrNoList
}

// Status tells the same.
func (*Hook) Status(context.Context, string) (bridge.Found, error) {
	return bridge.Found{}, bridge.ErrNoList
}

// ReadStatus knows no words: a receptionist sends none.
func (*Hook) ReadStatus(string) (bridge.DeliveryState, bool) { return "", false }

// Explain says why the receptionist could not be told.
func (*Hook) Explain(code string) bridge.Failure {
	return bridge.Failure{Code: code, Sentence: "The AI receptionist could not be told of this", Class: bridge.OurSide, Step: bridge.StepSettings}
}
