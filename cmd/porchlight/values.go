package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"porchlight/bridge"
	"porchlight/bridge/email"
	"porchlight/bridge/receptionist"
)

// What each setting accepts. A refusal is the second half of a sentence that
// begins with the key, and says what to write.

// parsed turns a reader of one value into one that stores it, and leaves the
// default in place when the value is refused.
func parsed[T any](to *T, parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		v, err := parse(strings.TrimSpace(text))
		if err == nil {
			*to = v
		}
		return err
	}
}

func parseListen(s string) (string, error) {
	const fix = "write host and port, such as 127.0.0.1:8080, or :8080 for every network"
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", fmt.Errorf("%q is not an address to listen on; %s", s, fix)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("%q is not a port from 0 to 65535; %s", port, fix)
	}
	return s, nil
}

// parsePublicURL takes scheme and host alone. Twilio signs the whole URL, so
// that a path, which a proxy may strip, would make every signature wrong.
func parsePublicURL(s string) (string, error) {
	u, err := parseWebURL(s)
	switch {
	case err != nil:
		return "", err
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return "", fmt.Errorf("has something after the host; write %s://%s alone, Porchlight adds its own paths", u.Scheme, u.Host)
	case strings.Contains(u.Host, "_"):
		return "", errors.New("has an underscore in the host, which Twilio refuses (error 21609); use a name without")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

// parseOrigins reads web origins with commas between. They are compared with what
// browsers send, letter by letter, so each is exactly scheme and host.
func parseOrigins(s string) (origins []string, err error) {
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		u, err := parseWebURL(part)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q %w", part, err)
		case u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(part, "#"):
			return nil, fmt.Errorf("%q has something after the host; write %s://%s alone", part, u.Scheme, u.Host)
		case strings.ContainsAny(u.Host, "*;' "):
			return nil, fmt.Errorf("%q names more than one host; write each by itself, with commas between", part)
		}
		host := strings.ToLower(u.Host)
		if u.Scheme == "https" {
			host = strings.TrimSuffix(host, ":443") // as browsers write it
		} else {
			host = strings.TrimSuffix(host, ":80")
		}
		if origin := u.Scheme + "://" + host; !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins, nil
}

func parseBaseURL(s string) (string, error) {
	u, err := parseWebURL(s)
	if err == nil && (u.RawQuery != "" || u.Fragment != "") {
		err = errors.New("has a query or a fragment; write scheme, host and at most a path, such as https://api.twilio.com")
	}
	if err != nil {
		return "", err
	}
	return strings.TrimRight(u.Scheme+"://"+u.Host+u.EscapedPath(), "/"), nil
}

// parseWebURL wants https, because tokens and texts travel over it; plain http
// may go only to this machine.
func parseWebURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("is not a web address; write it whole, such as https://inbox.example.com")
	case u.User != nil:
		return nil, errors.New("has a name or password before the host; leave them out")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errors.New("starts with http; write https (http is only for this machine, such as http://127.0.0.1:8080)")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, fmt.Errorf("has the port %q; a port is a number from 1 to 65535", port)
		}
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func parseName(s string) (string, error) {
	if n := len([]rune(s)); n > 100 {
		return "", fmt.Errorf("is %d characters long; keep it to 100", n)
	}
	if bridge.CleanText(s) != s || strings.Contains(s, "\n") {
		return "", errors.New("has a line break or a control character in it; write one plain line")
	}
	return s, nil
}

// parseWord reads a name without spaces, such as that of a bucket.
func parseWord(s string) (string, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", errors.New("has a space or a line break inside; write one word")
	}
	return s, nil
}

func parseYes(s string) (bool, error) {
	switch s {
	case "true", "yes":
		return true, nil
	case "false", "no":
		return false, nil
	}
	return false, fmt.Errorf("%q is not known here; write true or false", s)
}

func parseTimeZone(s string) (*time.Location, error) {
	zone, err := time.LoadLocation(s)
	if err != nil {
		return nil, fmt.Errorf("%q is not a time zone; write a name such as America/Los_Angeles or Europe/Dublin", s)
	}
	return zone, nil
}

func parseRegion(s string) (string, error) {
	s = strings.ToUpper(s)
	if !phonenumbers.GetSupportedRegions()[s] {
		return "", fmt.Errorf("%q is not a country; write its two letters, such as US, GB or AU", s)
	}
	return s, nil
}

// parsePhone also refuses what no numbering plan allows, such as +1 with nine
// digits, because a typing error here would leave a line deaf.
func parsePhone(s string) (bridge.Phone, error) {
	phone, err := bridge.ParsePhone(s)
	if err != nil {
		return "", fmt.Errorf("%q is not a phone number; write it with its country code and in quotes, such as \"+14155550134\"", s)
	}
	if number, err := phonenumbers.Parse(string(phone), ""); err != nil || !phonenumbers.IsPossibleNumber(number) {
		return "", fmt.Errorf("%q has too few or too many digits for its country; check it against the carrier's console", s)
	}
	return phone, nil
}

func parsePath(s string) (string, error) {
	if strings.ContainsRune(s, 0) {
		return "", errors.New("has a NUL character in it; write the name of a folder")
	}
	return s, nil
}

// parsePostgres never quotes what it read: the URL holds a password.
func parsePostgres(s string) (Secret, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || strings.Trim(u.Path, "/") == "" {
		return Secret{}, errors.New("is not a PostgreSQL URL; write postgres://USER:PASSWORD@HOST:5432/DATABASE, with signs such as @ or / in the password percent-encoded")
	}
	return newSecret(s), nil
}

func parseSecret(s string) (Secret, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return Secret{}, errors.New("has a space or a line break inside; copy it again")
	}
	return newSecret(s), nil
}

// parseSigningSecret reads a secret of Standard Webhooks.
func parseSigningSecret(s string) (Secret, error) {
	if _, err := receptionist.DecodeSecret(s); err != nil {
		return Secret{}, err
	}
	return newSecret(s), nil
}

// parseBotURL reads the address of the AI receptionist's webhook. What it is told are
// people's messages, so only a machine of our own is told without https.
func parseBotURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return "", errors.New("must be an address such as https://bot.example.com/porchlight")
	}
	local := u.Hostname() == "localhost"
	if ip := net.ParseIP(u.Hostname()); ip != nil {
		local = ip.IsLoopback() || ip.IsPrivate()
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return "", errors.New("must begin with https://, for people's messages go there; http:// is for a machine in your own network")
	}
	return s, nil
}

// sid reads Twilio's identifiers: two letters that say of what, and 32 hex digits.
func sid(prefix string) func(string) (string, error) {
	shape := regexp.MustCompile("^" + prefix + "[0-9a-f]{32}$")
	return func(s string) (string, error) {
		if !shape.MatchString(s) {
			return "", fmt.Errorf("must be %s and 32 characters of 0-9 and a-f; copy it from https://console.twilio.com", prefix)
		}
		return s, nil
	}
}

func parsePace(s string) (float64, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) || n < 0 || n > 1000 {
		return 0, fmt.Errorf("%q is not a pace; write message segments a second, from 0 (no limit) to 1000", s)
	}
	return n, nil
}

func parseMailbox(s string) (string, error) {
	s = strings.ToLower(s)
	if email.ParseAddress(s) != nil {
		return "", fmt.Errorf("%q is not an email address; write it alone, without a name, such as office@example.com", s)
	}
	return s, nil
}

// hostPattern is a name in DNS or an IP address.
var hostPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$`)

func parseHost(s string) (string, error) {
	if !hostPattern.MatchString(s) || net.ParseIP(s) == nil && strings.Contains(s, ":") {
		return "", fmt.Errorf("%q is not the name of a host; write it alone, such as smtp.example.com", s)
	}
	return strings.ToLower(s), nil
}

func parsePort(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 65535 {
		return 0, fmt.Errorf("%q is not a port; write a number from 1 to 65535, mostly 587 or 465", s)
	}
	return n, nil
}

func parseSecurity(s string) (email.Security, error) {
	word, err := oneOf(string(email.StartTLS), string(email.ImplicitTLS), string(email.Opportunistic), string(email.NoTLS))(s)
	return email.Security(word), err
}

// parsePassword takes inner spaces, which people's passwords have.
func parsePassword(s string) (Secret, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Secret{}, errors.New("has a line break or a control character inside; copy it again")
	}
	return newSecret(s), nil
}

func parseSelector(s string) (string, error) {
	if !hostPattern.MatchString(s) {
		return "", fmt.Errorf("%q is not a selector; write the key's name in DNS, such as porchlight in porchlight._domainkey.example.com", s)
	}
	return s, nil
}

// parsePEM never quotes what it read: it is a private key.
func parsePEM(s string) (Secret, error) {
	if block, _ := pem.Decode([]byte(s)); block == nil || !strings.Contains(block.Type, "PRIVATE KEY") {
		return Secret{}, errors.New("is not a private key in PEM; make one with: openssl genrsa -out dkim.pem 2048, and name it as email.dkim_key_file")
	}
	return newSecret(s), nil
}

var colorPattern = regexp.MustCompile(`^#[0-9a-f]{6}$`)

func parseColor(s string) (string, error) {
	if s = strings.ToLower(s); !colorPattern.MatchString(s) {
		return "", fmt.Errorf("%q is not a colour; write # and six digits in quotes, such as \"#1f57c3\"", s)
	}
	return s, nil
}

func parseLevel(s string) (slog.Level, error) {
	if _, err := oneOf("debug", "info", "warn", "error")(s); err != nil {
		return 0, err
	}
	var level slog.Level
	return level, level.UnmarshalText([]byte(s))
}

func parseDays(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 365 {
		return 0, fmt.Errorf("%q is not a number of days; write 1 to 365", s)
	}
	return n, nil
}

func oneOf(words ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(words, s) {
			return "", fmt.Errorf("%q is not known here; write %s", s, strings.Join(words, ", "))
		}
		return s, nil
	}
}

func between(least, most time.Duration) func(string) (time.Duration, error) {
	return func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil || d < least || d > most {
			return 0, fmt.Errorf("%q is not a time from %s to %s; write a number with s, m or h, such as %s", s, short(least), short(most), short(least))
		}
		return d, nil
	}
}

// short is 4h where time.Duration says 4h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
