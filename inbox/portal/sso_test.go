package portal

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"
	"testing"
	"time"
)

const ssoSecret = "0123456789abcdef0123456789abcdef"

// token signs a JSON Web Token, whatever its parts say.
func token(secret string, with func() hash.Hash, head, claims string) string {
	enc := base64.RawURLEncoding
	signed := enc.EncodeToString([]byte(head)) + "." + enc.EncodeToString([]byte(claims))
	m := hmac.New(with, []byte(secret))
	m.Write([]byte(signed))
	return signed + "." + enc.EncodeToString(m.Sum(nil))
}

const hs256 = `{"alg":"HS256","typ":"JWT"}`

func claims(sub string, end time.Time) string {
	return fmt.Sprintf(`{"sub":%q,"exp":%d}`, sub, end.Unix())
}

func TestSignedLinkLetsInWhomItNames(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, end := range []time.Duration{-ssoSkew, 0, time.Minute, ssoTime, ssoTime + ssoSkew} {
		external, until, err := readSSO(ssoSecret, token(ssoSecret, sha256.New, hs256, claims("crm-7", now.Add(end))), now)
		if err != nil || external != "crm-7" || !until.Equal(now.Add(end)) {
			t.Errorf("ending in %v: %q until %v, %v", end, external, until, err)
		}
	}
}

func TestSignedLinkThatIsNotRightIsRefused(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	good := token(ssoSecret, sha256.New, hs256, claims("crm-7", now.Add(time.Minute)))
	parts := strings.Split(good, ".")
	enc := base64.RawURLEncoding
	for what, text := range map[string]string{
		"nothing":                 "",
		"two parts":               parts[0] + "." + parts[1],
		"four parts":              good + ".",
		"no signature":            parts[0] + "." + parts[1] + ".",
		"alg none, unsigned":      enc.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"alg none, signed":        token(ssoSecret, sha256.New, `{"alg":"none"}`, claims("crm-7", now.Add(time.Minute))),
		"no alg":                  token(ssoSecret, sha256.New, `{"typ":"JWT"}`, claims("crm-7", now.Add(time.Minute))),
		"another alg":             token(ssoSecret, sha512.New, `{"alg":"HS512"}`, claims("crm-7", now.Add(time.Minute))),
		"another alg, our hash":   token(ssoSecret, sha256.New, `{"alg":"RS256"}`, claims("crm-7", now.Add(time.Minute))),
		"another secret":          token(strings.ToUpper(ssoSecret), sha256.New, hs256, claims("crm-7", now.Add(time.Minute))),
		"another's claims":        parts[0] + "." + enc.EncodeToString([]byte(claims("crm-8", now.Add(time.Minute)))) + "." + parts[2],
		"half a signature":        good[:len(good)-20],
		"expired":                 token(ssoSecret, sha256.New, hs256, claims("crm-7", now.Add(-ssoSkew-time.Second))),
		"far ahead":               token(ssoSecret, sha256.New, hs256, claims("crm-7", now.Add(ssoTime+ssoSkew+time.Second))),
		"no end":                  token(ssoSecret, sha256.New, hs256, `{"sub":"crm-7"}`),
		"nobody":                  token(ssoSecret, sha256.New, hs256, claims("", now.Add(time.Minute))),
		"claims that are no JSON": token(ssoSecret, sha256.New, hs256, "crm-7"),
		"an end that is a text":   token(ssoSecret, sha256.New, hs256, `{"sub":"crm-7","exp":"2000000000"}`),
		"a signature with =":      good + "=",
		"much too long":           token(ssoSecret, sha256.New, hs256, claims(strings.Repeat("x", 5000), now.Add(time.Minute))),
	} {
		if external, _, err := readSSO(ssoSecret, text, now); err == nil || external != "" {
			t.Errorf("%s: let %q in", what, external)
		}
	}
	if _, _, err := readSSO("", token("", sha256.New, hs256, claims("crm-7", now.Add(time.Minute))), now); err == nil {
		t.Error("a portal without a secret lets in")
	}
}

func FuzzReadSSO(f *testing.F) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f.Add(token("another", sha256.New, hs256, claims("crm-7", now.Add(time.Minute))))
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, text string) {
		if external, _, err := readSSO(ssoSecret, text, now); err == nil {
			t.Errorf("%q lets %q in", text, external)
		}
	})
}
