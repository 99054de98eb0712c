package sms

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strconv"
	"sync/atomic"
	"time"

	"porchlight/bridge"

	"github.com/twilio/twilio-go/client"
)

// maxAnswer bounds an answer of Twilio's; a page of 1000 messages is about 2 MB.
const maxAnswer = 16 << 20

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          128,
		MaxIdleConnsPerHost:   64, // the default of 2 would dial for nearly every text of a burst
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// A call is the transport of one request. It gives twilio-go what it lacks: a
// context, another host, and the memory of how far the request came, which
// decides whether the text may be sent again.
type call struct {
	ctx  context.Context
	base *url.URL
	next http.RoundTripper

	status int
	header http.Header
	// The transport's hooks may run on its own goroutines.
	asked, connected atomic.Bool
}

// RoundTrip reads the whole answer, because twilio-go leaves the body of an
// error open, and with it the connection.
func (c *call) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := httptrace.WithClientTrace(c.ctx, &httptrace.ClientTrace{
		GetConn: func(string) { c.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { c.connected.Store(true) },
	})
	req = req.Clone(ctx)
	req.URL.Scheme, req.URL.Host, req.Host = c.base.Scheme, c.base.Host, c.base.Host
	res, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	c.status, c.header = res.StatusCode, res.Header
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read answer %d: %w", res.StatusCode, err)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// unsent reports whether the request certainly never reached Twilio: the
// transport looked for a connection and got none. WroteHeaders would prove more
// often that nothing left, but after a cancellation the connection's own
// goroutine may still be writing. A transport that tells nothing proves nothing.
func (c *call) unsent() bool { return c.status == 0 && c.asked.Load() && !c.connected.Load() }

// classify says what a failed create means. Only three things prove that
// nothing was sent: a request that never left, Twilio's own JSON with a 4xx,
// and "too many requests", which Twilio documents as never processed. The
// rest is unknown, for Twilio takes no idempotency key.
func classify(c *call, err error) bridge.Outcome {
	o := bridge.Outcome{Detail: cmp.Or(detail(err), fmt.Sprintf("answer %d", c.status)), RetryAfter: retryAfter(c.header, time.Now())}
	var rest *client.TwilioRestError
	if errors.As(err, &rest) && rest.Code != 0 {
		o.Code = strconv.Itoa(rest.Code)
	} else {
		rest = nil
	}
	switch {
	case c.status == http.StatusTooManyRequests || o.Code == "20429":
		o.Kind, o.Code = bridge.Retry, cmp.Or(o.Code, "20429")
	case o.Code == "21611": // this sender's queue at Twilio is full
		o.Kind, o.RetryAfter = bridge.Retry, max(o.RetryAfter, time.Minute)
	case c.status == http.StatusUnauthorized || o.Code == "20003":
		// Certainly not sent, and nothing is wrong with the text: it waits until
		// somebody has mended the credentials, or expires.
		o.Kind, o.Code, o.RetryAfter = bridge.Retry, cmp.Or(o.Code, "20003"), max(o.RetryAfter, time.Minute)
	case rest != nil && c.status < 500 && c.status != http.StatusRequestTimeout:
		o.Kind = bridge.Refused
	case c.unsent():
		o.Kind, o.Code = bridge.Retry, CodeNetwork
	case c.status == 0:
		o.Kind, o.Code = bridge.Lost, CodeNetwork
	default:
		o.Kind, o.Code = bridge.Lost, cmp.Or(o.Code, CodeServer)
	}
	return o
}

var longNumber = regexp.MustCompile(`\+?\d{7,}`)

// detail is an error for the log: without the request's address, which names
// the account and in a list the customer, and with phone numbers masked.
func detail(err error) string {
	var rest *client.TwilioRestError
	if errors.As(err, &rest) {
		return longNumber.ReplaceAllStringFunc(rest.Message, bridge.MaskAddress)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err.Error()
}

// A lookupError keeps the cause for errors.Is and shows it without addresses.
type lookupError struct {
	what  string
	cause error
}

func (e *lookupError) Error() string { return e.what + ": " + detail(e.cause) }
func (e *lookupError) Unwrap() error { return e.cause }

func failedTo(what string, c *call, err error) error {
	if c.status == http.StatusNotFound {
		return fmt.Errorf("%s: %w at Twilio", what, bridge.ErrNotFound)
	}
	return &lookupError{what, err}
}

// retryAfter reads both forms of the header, RFC 9110 section 10.2.3, up to an hour.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if n, err := strconv.Atoi(v); err == nil {
		return time.Duration(min(max(n, 0), 3600)) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(at.Sub(now), 0), time.Hour)
	}
	return 0
}
