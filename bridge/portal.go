package bridge

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// How contacts come into the portal: what its links, codes and sessions are worth.

const (
	// LinkTime is how long a magic link works, SureLink how long without a code.
	LinkTime = 30 * 24 * time.Hour
	SureLink = 14 * 24 * time.Hour
	// CodeTime is how long a code works.
	CodeTime = 10 * time.Minute
	// PortalTime is how long a browser stays signed in.
	PortalTime = 30 * 24 * time.Hour
)

// NewSecret makes the secret of a link or a cookie, 130 bits, and its hash, which is
// what is stored.
func NewSecret() (secret, hash string) {
	secret = rand.Text()
	return secret, HashSecret(secret)
}

// HashSecret is the SHA-256 of a random secret, in hex. A slow hash is for passwords
// that people choose; 130 random bits need none.
func HashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// NewCode makes six digits.
func NewCode() string {
	var b [8]byte
	rand.Read(b[:]) // never fails, since Go 1.24
	n := strconv.FormatUint(1_000_000+binary.BigEndian.Uint64(b[:])%1_000_000, 10)
	return n[1:]
}

// CodeHash is what is stored of a code. Six digits are tried out in no time, so the
// hash needs a key.
func CodeHash(key []byte, c ContactID, code string) string {
	code = strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, code)
	return hex.EncodeToString(mac(key, "code", strconv.FormatInt(int64(c), 10), code))
}

// StopToken names a contact in the link that stops their mails. It needs no sign-in,
// so it can be tried, but not made.
func StopToken(key []byte, c ContactID) string {
	id := strconv.FormatInt(int64(c), 36)
	return id + "-" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac(key, "stop", id)[:10]))
}

// ParseStopToken gives the contact that a token names, if it is one of ours.
func ParseStopToken(key []byte, token string) (ContactID, bool) {
	id, _, _ := strings.Cut(token, "-")
	n, err := strconv.ParseInt(id, 36, 64)
	if err != nil || n <= 0 || !hmac.Equal([]byte(StopToken(key, ContactID(n))), []byte(token)) {
		return 0, false
	}
	return ContactID(n), true
}

// HoldToken is what the AI receptionist answers with under a hold. Nobody else can make
// it, and it is good for that hold alone.
func HoldToken(key []byte, h HoldID) string {
	id := strconv.FormatInt(int64(h), 10)
	return holdPrefix + id + "_" + hex.EncodeToString(mac(key, "hold", id)[:20])
}

const holdPrefix = "hold_"

// IsHoldToken reports whether a text looks like one.
func IsHoldToken(s string) bool { return strings.HasPrefix(s, holdPrefix) }

// ParseHoldToken gives the hold that a token is for, if it is one of ours. Whether the
// hold still lasts, the store says.
func ParseHoldToken(key []byte, token string) (HoldID, bool) {
	id, _, _ := strings.Cut(strings.TrimPrefix(token, holdPrefix), "_")
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n <= 0 || !hmac.Equal([]byte(HoldToken(key, HoldID(n))), []byte(token)) {
		return 0, false
	}
	return HoldID(n), true
}

func mac(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write([]byte(p + "\n"))
	}
	return h.Sum(nil)
}

// Names of the keys that the store makes for itself; see data.Tx.Secret.
const (
	CodeKey = "portal codes"
	StopKey = "stop mails"
	HoldKey = "holds"
)
