package receptionist

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Why a payload is not believed.
var (
	ErrUnsigned = errors.New("there is no signature")
	ErrForged   = errors.New("the signature does not match")
	ErrExpired  = errors.New("the signature is too old, or from the future")
)

// A Verifier checks who sent a payload. request names it where the sender does, so that
// the same one can be known again; else it is empty.
type Verifier func(h http.Header, body []byte, now time.Time) (request string, err error)

// window is how far a signature's time may be from ours.
const window = 5 * time.Minute

// within reports whether a time is inside a window around now.
func within(at, now time.Time, window time.Duration) bool {
	return at.After(now.Add(-window)) && at.Before(now.Add(window))
}

// How many bytes a secret of Standard Webhooks has.
const minKey, maxKey = 24, 64

var errBadSecret = errors.New("is no secret of Standard Webhooks: whsec_ and 24 to 64 bytes in base64, such as openssl rand -base64 32 makes")

// DecodeSecret reads a secret of Standard Webhooks: base64, with or without the prefix
// whsec_, of 24 to 64 bytes.
func DecodeSecret(s string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
	if err != nil || len(key) < minKey || len(key) > maxKey {
		return nil, errBadSecret
	}
	return key, nil
}

// Standard verifies Standard Webhooks: https://www.standardwebhooks.com.
func Standard(key []byte) (Verifier, error) {
	if len(key) < minKey || len(key) > maxKey {
		return nil, errBadSecret // the library signs with any key, also with none
	}
	wh, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return nil, err
	}
	return func(h http.Header, body []byte, now time.Time) (string, error) {
		id, stamp := h.Get(standardwebhooks.HeaderWebhookID), h.Get(standardwebhooks.HeaderWebhookTimestamp)
		if id == "" || stamp == "" || h.Get(standardwebhooks.HeaderWebhookSignature) == "" {
			return "", ErrUnsigned
		}
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil || strconv.FormatInt(seconds, 10) != stamp || len(id) > 200 || strings.Contains(id, ".") {
			return "", ErrForged // the library reads +01 too, which is another text than was signed
		}
		if err := wh.VerifyIgnoringTimestamp(body, h); err != nil {
			return "", ErrForged
		}
		if !within(time.Unix(seconds, 0), now, window) {
			return "", ErrExpired
		}
		sum := sha256.Sum256([]byte(id + "." + stamp))
		return hex.EncodeToString(sum[:]), nil
	}, nil
}

// Vapi verifies what Vapi sends: Standard Webhooks, as its custom credentials can be
// set, or the secret itself in X-Vapi-Secret or as a bearer token.
func Vapi(secret string) (Verifier, error) {
	standard := Verifier(nil)
	if key, err := DecodeSecret(secret); err == nil {
		if standard, err = Standard(key); err != nil {
			return nil, err
		}
	}
	return func(h http.Header, body []byte, now time.Time) (string, error) {
		if standard != nil && h.Get(standardwebhooks.HeaderWebhookSignature) != "" {
			_, err := standard(h, body, now) // a piece that comes again says nothing new
			return "", err
		}
		got := h.Get("X-Vapi-Secret")
		if bearer, ok := strings.CutPrefix(h.Get("Authorization"), "Bearer "); ok && got == "" {
			got = bearer
		}
		switch {
		case got == "":
			return "", ErrUnsigned
		case !same(got, secret):
			return "", ErrForged
		}
		return "", nil
	}, nil
}

// same compares secrets without telling by its time how far they agree.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// Retell verifies X-Retell-Signature: v=<Unix ms>,d=<hex HMAC-SHA256 of body and ms>.
func Retell(key string) Verifier {
	return func(h http.Header, body []byte, now time.Time) (string, error) {
		fields, ok := parts(h.Get("X-Retell-Signature"))
		if !ok {
			return "", ErrUnsigned
		}
		ms, err := strconv.ParseInt(fields["v"], 10, 64)
		if err != nil || !signed(key, fields["d"], body, []byte(fields["v"])) {
			return "", ErrForged
		}
		if !within(time.UnixMilli(ms), now, window) {
			return "", ErrExpired
		}
		return "", nil
	}
}

// ElevenLabs verifies ElevenLabs-Signature: t=<Unix s>,v0=<hex HMAC-SHA256 of t.body>.
// It tries again for half an hour with the same time.
func ElevenLabs(secret string) Verifier {
	return func(h http.Header, body []byte, now time.Time) (string, error) {
		fields, ok := parts(h.Get("ElevenLabs-Signature"))
		if !ok {
			return "", ErrUnsigned
		}
		seconds, err := strconv.ParseInt(fields["t"], 10, 64)
		if err != nil || !signed(secret, fields["v0"], []byte(fields["t"]+"."), body) {
			return "", ErrForged
		}
		if !within(time.Unix(seconds, 0), now, 30*time.Minute) {
			return "", ErrExpired
		}
		return "", nil
	}
}

// parts reads a=1,b=2. A name that stands twice is nobody's signature.
func parts(s string) (map[string]string, bool) {
	out := map[string]string{}
	for f := range strings.SplitSeq(s, ",") {
		k, v, ok := strings.Cut(strings.TrimSpace(f), "=")
		if _, twice := out[k]; !ok || twice {
			return nil, false
		}
		out[k] = v
	}
	return out, true
}

func signed(key, digest string, parts ...[]byte) bool {
	mac := hmac.New(sha256.New, []byte(key))
	for _, p := range parts {
		mac.Write(p)
	}
	got, err := hex.DecodeString(digest)
	return err == nil && key != "" && hmac.Equal(got, mac.Sum(nil))
}
