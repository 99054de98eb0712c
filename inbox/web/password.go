package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"porchlight/bridge"
)

// The cost of a password: 19 MiB, two passes, one lane, as OWASP advises for
// argon2id. It is written into each hash, so raising it leaves old ones valid.
const (
	argonMemory = 19 * 1024
	argonTime   = 2
	argonLanes  = 1
)

// MinPassword is the shortest password that is taken, in characters.
const MinPassword = 10

// HashPassword makes the argon2id PHC string that the store keeps.
func HashPassword(password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < MinPassword || n > 200 {
		return "", &bridge.Invalid{Field: "password", Problem: fmt.Sprintf("Use at least %d characters; a few words are easy to remember", MinPassword)}
	}
	salt := make([]byte, 16)
	rand.Read(salt) // never fails, since Go 1.24
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, 32)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// CheckPassword reports whether a password is the one of a PHC string. An unknown
// person's empty hash takes as long as a real one and is always wrong.
func CheckPassword(hash, password string) bool {
	var version, memory, passes, lanes uint32
	parts := strings.Split(hash, "$")
	ok := len(parts) == 6 && parts[1] == "argon2id"
	if ok {
		_, err1 := fmt.Sscanf(parts[2], "v=%d", &version)
		_, err2 := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes)
		ok = err1 == nil && err2 == nil && version == argon2.Version && memory <= 1<<20 && passes > 0 && passes < 100 && lanes > 0 && lanes < 256
	}
	if !ok {
		argon2.IDKey([]byte(password), make([]byte, 16), argonTime, argonMemory, argonLanes, 32)
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) < 16 {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, uint8(lanes), uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}

// passwordMark ties a session to the password that opened it, without keeping it.
func passwordMark(hash string) string {
	sum := sha256.Sum256([]byte("session\x00" + hash))
	return hex.EncodeToString(sum[:8])
}
