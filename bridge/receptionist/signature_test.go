package receptionist

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// vectors are signatures from the public test suites of Standard Webhooks and Retell.
type vectors struct {
	Standard struct{ Secret, ID, Timestamp, Payload, Signature string } `json:"standard_webhooks"`
	Retell   struct {
		APIKey      string
		TimestampMs int64
		Body        string
		Header      string
	}
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	if err := json.Unmarshal(sample(t, "signatures.json"), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// sum is the HMAC-SHA256 that all of them sign with.
func sum(key, said string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(said))
	return mac.Sum(nil)
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// a knock is one request, and whether it is believed.
type knock struct {
	name   string
	header http.Header
	body   string
	now    time.Time
	want   error
}

func judge(t *testing.T, verify Verifier, knocks []knock) {
	t.Helper()
	for _, k := range knocks {
		if _, err := verify(k.header, []byte(k.body), k.now); !errors.Is(err, k.want) || (k.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", k.name, err, k.want)
		}
	}
}

func TestStandardWebhooksAreBelievedAsTheirAuthorsSignThem(t *testing.T) {
	v := readVectors(t).Standard
	key, err := DecodeSecret(v.Secret)
	if err != nil {
		t.Fatal(err)
	}
	verify, err := Standard(key)
	if err != nil {
		t.Fatal(err)
	}
	at, err := strconv.ParseInt(v.Timestamp, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(at, 0)
	with := func(id, stamp, signature string) http.Header {
		return header("webhook-id", id, "webhook-timestamp", stamp, "webhook-signature", signature)
	}
	sign := func(key []byte, id, stamp, body string) string {
		return "v1," + base64.StdEncoding.EncodeToString(sum(string(key), id+"."+stamp+"."+body))
	}
	good := with(v.ID, v.Timestamp, v.Signature)
	other := "v1," + base64.StdEncoding.EncodeToString(make([]byte, 32))
	judge(t, verify, []knock{
		{"as signed", good, v.Payload, now, nil},
		{"among others, while a key is rotated", with(v.ID, v.Timestamp, other+" v1a,AAAA "+v.Signature), v.Payload, now, nil},
		{"299 seconds late", good, v.Payload, now.Add(299 * time.Second), nil},
		{"299 seconds early", good, v.Payload, now.Add(-299 * time.Second), nil},
		{"expired", good, v.Payload, now.Add(5 * time.Minute), ErrExpired},
		{"from the future", good, v.Payload, now.Add(-5 * time.Minute), ErrExpired},
		{"another body", good, v.Payload + " ", now, ErrForged},
		{"another id", with("msg_other", v.Timestamp, v.Signature), v.Payload, now, ErrForged},
		{"another time", with(v.ID, strconv.FormatInt(at+1, 10), v.Signature), v.Payload, now, ErrForged},
		{"forged and expired", with(v.ID, "1", v.Signature), v.Payload, now, ErrForged},
		{"another version", with(v.ID, v.Timestamp, "v2"+strings.TrimPrefix(v.Signature, "v1")), v.Payload, now, ErrForged},
		{"no version", with(v.ID, v.Timestamp, strings.TrimPrefix(v.Signature, "v1,")), v.Payload, now, ErrForged},
		{"cut short", with(v.ID, v.Timestamp, v.Signature[:20]), v.Payload, now, ErrForged},
		{"an empty signature", with(v.ID, v.Timestamp, "v1,"), v.Payload, now, ErrForged},
		{"no signature", header("webhook-id", v.ID, "webhook-timestamp", v.Timestamp), v.Payload, now, ErrUnsigned},
		{"no id", header("webhook-timestamp", v.Timestamp, "webhook-signature", v.Signature), v.Payload, now, ErrUnsigned},
		{"no time", header("webhook-id", v.ID, "webhook-signature", v.Signature), v.Payload, now, ErrUnsigned},
		{"nothing", header(), v.Payload, now, ErrUnsigned},
		{"a time with a plus", with(v.ID, "+"+v.Timestamp, v.Signature), v.Payload, now, ErrForged},
		{"a time with a zero in front", with(v.ID, "0"+v.Timestamp, v.Signature), v.Payload, now, ErrForged},
		{"a time with both", with(v.ID, "+0"+v.Timestamp, v.Signature), v.Payload, now, ErrForged},
		{"a time with a space", with(v.ID, v.Timestamp+" ", v.Signature), v.Payload, now, ErrForged},
		{"a time in words", with(v.ID, now.UTC().Format(time.RFC3339), sign(key, v.ID, now.UTC().Format(time.RFC3339), v.Payload)), v.Payload, now, ErrForged},
		{"a time that no number holds", with(v.ID, "99999999999999999999", v.Signature), v.Payload, now, ErrForged},
		{"the last time there is", with(v.ID, "9223372036854775807", sign(key, v.ID, "9223372036854775807", v.Payload)), v.Payload, now, ErrExpired},
		{"before 1970", with(v.ID, "-1", sign(key, v.ID, "-1", v.Payload)), v.Payload, now, ErrExpired},
		{"an id that could hold a time", with("a.1", v.Timestamp, sign(key, "a.1", v.Timestamp, v.Payload)), v.Payload, now, ErrForged},
		{"a long id", with(strings.Repeat("a", 201), v.Timestamp, sign(key, strings.Repeat("a", 201), v.Timestamp, v.Payload)), v.Payload, now, ErrForged},
		{"another key", with(v.ID, v.Timestamp, sign(append(key[:23:23], 0), v.ID, v.Timestamp, v.Payload)), v.Payload, now, ErrForged},
	})
	first, err := verify(good, []byte(v.Payload), now)
	again, err2 := verify(good, []byte(v.Payload), now.Add(time.Minute))
	later := strconv.FormatInt(at+1, 10)
	anew, err3 := verify(with(v.ID, later, sign(key, v.ID, later, v.Payload)), []byte(v.Payload), now)
	if err != nil || err2 != nil || err3 != nil || first == "" || first != again || anew == first {
		t.Errorf("a request is %q, again %q, signed anew %q: %v %v %v", first, again, anew, err, err2, err3)
	}
}

func TestSecretsOfStandardWebhooksHave24To64Bytes(t *testing.T) {
	of := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for secret, good := range map[string]bool{
		of(24): true, of(64): true, "whsec_" + of(32): true,
		of(23): false, of(65): false, "": false, "whsec_": false, of(3): false, "whsec_!!": false, strings.TrimRight(of(32), "="): false, "whsec_whsec_" + of(32): false,
	} {
		if key, err := DecodeSecret(secret); (err == nil) != good || (key != nil) != good {
			t.Errorf("%q: %d bytes, %v", secret, len(key), err)
		}
	}
	for n, good := range map[int]bool{0: false, 3: false, 23: false, 24: true, 64: true, 65: false} {
		if verify, err := Standard(make([]byte, n)); (err == nil) != good || (verify != nil) != good {
			t.Errorf("a key of %d bytes: %v", n, err)
		}
	}
}

func TestRetellIsBelievedAsItsLibrarySigns(t *testing.T) {
	v := readVectors(t).Retell
	now := time.UnixMilli(v.TimestampMs)
	with := func(s string) http.Header { return header("X-Retell-Signature", s) }
	sign := func(key string, ms int64, body string) string {
		return fmt.Sprintf("v=%d,d=%x", ms, sum(key, body+strconv.FormatInt(ms, 10)))
	}
	good := with(v.Header)
	digest := strings.TrimPrefix(v.Header, fmt.Sprintf("v=%d,", v.TimestampMs))
	judge(t, Retell(v.APIKey), []knock{
		{"as signed", good, v.Body, now, nil},
		{"the other way round", with(digest + ", v=" + strconv.FormatInt(v.TimestampMs, 10)), v.Body, now, nil},
		{"299 seconds late", good, v.Body, now.Add(299 * time.Second), nil},
		{"expired", good, v.Body, now.Add(5 * time.Minute), ErrExpired},
		{"from the future", good, v.Body, now.Add(-5 * time.Minute), ErrExpired},
		{"another body", good, v.Body + "\n", now, ErrForged},
		{"another key", with(sign("other", v.TimestampMs, v.Body)), v.Body, now, ErrForged},
		{"another time", with(fmt.Sprintf("v=%d,%s", v.TimestampMs+1, digest)), v.Body, now, ErrForged},
		{"a digit of the time in the body", with(strings.Replace(v.Header, "v=1", "v=", 1)), v.Body + "1", now, ErrExpired},
		{"a time with a plus", with(fmt.Sprintf("v=+%d,%s", v.TimestampMs, digest)), v.Body, now, ErrForged},
		{"no time", with(digest), v.Body, now, ErrForged},
		{"no digest", with("v=1700000000000"), v.Body, now, ErrForged},
		{"an empty digest", with("v=1700000000000,d="), v.Body, now, ErrForged},
		{"no hex", with("v=1700000000000,d=zz"), v.Body, now, ErrForged},
		{"a digest cut short", with(v.Header[:len(v.Header)-2]), v.Body, now, ErrForged},
		{"two times", with("v=1," + v.Header), v.Body, now, ErrUnsigned},
		{"two digests", with(v.Header + "," + digest), v.Body, now, ErrUnsigned},
		{"no names", with("1700000000000"), v.Body, now, ErrUnsigned},
		{"empty", with(""), v.Body, now, ErrUnsigned},
		{"nothing", header(), v.Body, now, ErrUnsigned},
	})
	judge(t, Retell(""), []knock{{"with an empty key", with(sign("", v.TimestampMs, v.Body)), v.Body, now, ErrForged}})
}

func TestElevenLabsIsBelievedForHalfAnHour(t *testing.T) {
	const secret, body = "wsec_0123456789abcdef", `{"type":"post_call_transcription"}`
	now := time.Unix(1795356040, 0)
	sign := func(key, stamp string) string {
		return "t=" + stamp + ",v0=" + hex.EncodeToString(sum(key, stamp+"."+body))
	}
	with := func(s string) http.Header { return header("ElevenLabs-Signature", s) }
	good := with(sign(secret, "1795356040"))
	digest := strings.TrimPrefix(sign(secret, "1795356040"), "t=1795356040,")
	// The digest was made by another program: printf '1795356040.<body>' | openssl dgst -sha256 -hmac <secret>
	const byOpenSSL = "v0=95126c37b92f82b12e72f4ff67f6518a0feea53b04c94d3bd3d723f7207f0200"
	if digest != byOpenSSL {
		t.Fatalf("this test signs %s, OpenSSL %s", digest, byOpenSSL)
	}
	judge(t, ElevenLabs(secret), []knock{
		{"as signed", good, body, now, nil},
		{"tried again after 29 minutes", good, body, now.Add(29 * time.Minute), nil},
		{"expired", good, body, now.Add(30 * time.Minute), ErrExpired},
		{"from the future", good, body, now.Add(-30 * time.Minute), ErrExpired},
		{"another body", good, body + " ", now, ErrForged},
		{"another key", with(sign("other", "1795356040")), body, now, ErrForged},
		{"another time", with("t=1795356041," + digest), body, now, ErrForged},
		{"a time with a plus, not signed", with("t=+1795356040," + digest), body, now, ErrForged},
		{"another version", with("t=1795356040,v1=" + strings.TrimPrefix(digest, "v0=")), body, now, ErrForged},
		{"no time", with(digest), body, now, ErrForged},
		{"two times", with("t=1," + sign(secret, "1795356040")), body, now, ErrUnsigned},
		{"two digests", with(sign(secret, "1795356040") + ",v0=00"), body, now, ErrUnsigned},
		{"nothing", header(), body, now, ErrUnsigned},
	})
	judge(t, ElevenLabs(""), []knock{{"with an empty key", with(sign("", "1795356040")), body, now, ErrForged}})
}

func TestVapiIsBelievedBySecretBearerOrStandardWebhooks(t *testing.T) {
	const secret, body = "an old secret of Vapi", `{"message":{}}`
	now := time.Unix(1795356040, 0)
	verifier := func(secret string) Verifier {
		v, err := Vapi(secret)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	judge(t, verifier(secret), []knock{
		{"the secret", header("X-Vapi-Secret", secret), body, now, nil},
		{"a bearer token", header("Authorization", "Bearer "+secret), body, now, nil},
		{"another secret", header("X-Vapi-Secret", secret+" "), body, now, ErrForged},
		{"another bearer token", header("Authorization", "Bearer x"), body, now, ErrForged},
		{"a wrong secret and a good token", header("X-Vapi-Secret", "x", "Authorization", "Bearer "+secret), body, now, ErrForged},
		{"another scheme", header("Authorization", "Basic "+secret), body, now, ErrUnsigned},
		{"an empty token", header("Authorization", "Bearer "), body, now, ErrUnsigned},
		{"a signature that this secret cannot make", header("webhook-signature", "v1,AAAA"), body, now, ErrUnsigned},
		{"nothing", header(), body, now, ErrUnsigned},
	})
	judge(t, verifier(""), []knock{
		{"no secret, an empty one", header("X-Vapi-Secret", ""), body, now, ErrUnsigned},
		{"no secret, any", header("X-Vapi-Secret", "x"), body, now, ErrForged},
	})
	key := readVectors(t).Standard.Secret
	raw, err := DecodeSecret(key)
	if err != nil {
		t.Fatal(err)
	}
	signed := header("webhook-id", "msg_1", "webhook-timestamp", "1795356040",
		"webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(sum(string(raw), "msg_1.1795356040."+body)))
	spoiled := signed.Clone()
	spoiled.Set("X-Vapi-Secret", key)
	judge(t, verifier(key), []knock{
		{"Standard Webhooks", signed, body, now, nil},
		{"another body", signed, body + " ", now, ErrForged},
		{"expired", signed, body, now.Add(time.Hour), ErrExpired},
		{"a wrong signature beside the secret", spoiled, body + " ", now, ErrForged},
		{"the secret alone", header("X-Vapi-Secret", key), body, now, nil},
	})
}
