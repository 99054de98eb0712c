package sms

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Sign gives the X-Twilio-Signature of a request:
// base64(HMAC-SHA1(token, url + name1 + value1 + name2 + …)), names in byte
// order, the values of one name sorted and without repeats.
func Sign(token, url string, params url.Values) string {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	s.join(params)
	var sum [sha1.Size]byte
	return base64.StdEncoding.EncodeToString(mac(sum[:0], token, url, s.buf))
}

// Verify reports whether Twilio signed the request with one of the tokens;
// there are two of them while the token is being rotated. fullURL is the
// address as Twilio wrote it on the wire: the configured public address and the
// raw request target, never rebuilt. Twilio signs with and without the port,
// so both are tried. A body that is not a form is covered by the bodySHA256 in
// the address, and without that by nothing.
//
// twilio-go's own validator refuses genuine requests with a repeated name,
// accepts a forged repeat, and accepts anybody when the token is empty.
func Verify(tokens []string, fullURL string, form url.Values, rawBody []byte, header string) bool {
	// 28 characters without padding would be 21 bytes, and Decode panics
	// when they do not fit.
	var decoded [sha1.Size + 1]byte
	if len(header) != base64.StdEncoding.EncodedLen(sha1.Size) {
		return false
	}
	if n, err := base64.StdEncoding.Strict().Decode(decoded[:], []byte(header)); err != nil || n != sha1.Size {
		return false
	}
	given := decoded[:sha1.Size]
	if len(form) == 0 && !bodyCovered(fullURL, rawBody) {
		return false
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	s.join(form)
	other := togglePort(fullURL)
	for _, token := range tokens {
		if token == "" {
			continue
		}
		var sum [sha1.Size]byte
		if subtle.ConstantTimeCompare(mac(sum[:0], token, fullURL, s.buf), given) == 1 {
			return true
		}
		if subtle.ConstantTimeCompare(mac(sum[:0], token, other, s.buf), given) == 1 {
			return true
		}
	}
	return false
}

func mac(sum []byte, token, url string, params []byte) []byte {
	h := hmac.New(sha1.New, []byte(token))
	h.Write([]byte(url))
	h.Write(params)
	return h.Sum(sum)
}

// bodyCovered compares the raw body with the hash in the address.
func bodyCovered(fullURL string, body []byte) bool {
	_, query, _ := strings.Cut(fullURL, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return len(body) == 0
	}
	want := values["bodySHA256"]
	if len(want) == 0 {
		return len(body) == 0
	}
	sum := sha256.Sum256(body)
	got := hex.EncodeToString(sum[:])
	return len(want) == 1 && subtle.ConstantTimeCompare([]byte(strings.ToLower(want[0])), []byte(got)) == 1
}

// togglePort takes the port out of an address, or puts the scheme's own in.
func togglePort(u string) string {
	scheme, rest, ok := strings.Cut(u, "://")
	if !ok {
		return u
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	authority, path := rest[:end], rest[end:]
	host := authority[strings.LastIndexByte(authority, '@')+1:]
	colon := strings.LastIndexByte(host, ':')
	if colon > strings.LastIndexByte(host, ']') { // not a colon inside an IPv6 address
		return scheme + "://" + authority[:len(authority)-len(host)+colon] + path
	}
	port := ":443"
	if scheme == "http" {
		port = ":80"
	}
	return scheme + "://" + authority + port + path
}

// A scratch is reused, as every webhook needs one.
type scratch struct {
	keys, values []string
	buf          []byte
}

var scratches = sync.Pool{New: func() any { return &scratch{buf: make([]byte, 0, 2048)} }}

func (s *scratch) join(params url.Values) {
	s.keys, s.buf = s.keys[:0], s.buf[:0]
	for k := range params {
		s.keys = append(s.keys, k)
	}
	slices.Sort(s.keys)
	for _, k := range s.keys {
		values := params[k]
		if len(values) > 1 {
			s.values = append(s.values[:0], values...)
			slices.Sort(s.values)
			values = slices.Compact(s.values)
		}
		for _, v := range values {
			s.buf = append(s.buf, k...)
			s.buf = append(s.buf, v...)
		}
	}
	clear(s.keys) // a pooled scratch must not keep a customer's text alive
	clear(s.values)
}
