package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"porchlight/bridge"
)

const (
	someAccount = "AC0123456789abcdef0123456789abcdef"
	someToken   = "f00dfeedf00dfeedf00dfeedf00dfeed"
)

// enoughToServe is the smallest file with which serve starts.
const enoughToServe = `server:
  public_url: https://inbox.example.com/
twilio:
  account_sid: ` + someAccount + `
  auth_token: ` + someToken + `
lines:
  - number: "+1 415 555 0134"
`

func parse(text string, environ ...string) (Config, Problems) {
	return parseConfig("porchlight.yaml", []byte(text), environ)
}

func mustParse(t *testing.T, text string, environ ...string) Config {
	t.Helper()
	c, problems := parse(text, environ...)
	if problems != nil {
		t.Fatalf("problems where none should be:\n%v", problems)
	}
	return c
}

func TestDefaultsFillWhatTheFileLeavesOut(t *testing.T) {
	c := mustParse(t, enoughToServe)
	if problems := c.RequireServe(); problems != nil {
		t.Errorf("not enough to serve:\n%v", problems)
	}
	got := []any{c.Server, c.Business, c.Storage.Path, c.Storage.Postgres.Set(), c.Twilio.BaseURL, c.Lines, c.Log, c.Session.Days, c.Outbox}
	want := []any{
		ServerConfig{"127.0.0.1:8080", "https://inbox.example.com"},
		BusinessConfig{Name: "Porchlight", TimeZone: time.Local, Region: "US"}, "var", false, "https://api.twilio.com",
		[]bridge.Line{{Phone: "+14155550134", Name: "Main", Pace: 1}},
		LogConfig{slog.LevelInfo, "text"}, 30, OutboxConfig{KeepTrying: 4 * time.Hour, Timeout: 10 * time.Second},
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("got %v, want %v", got[i], want[i])
		}
	}
}

func TestLinesAreReadHoweverTheyAreWritten(t *testing.T) {
	for _, text := range []string{
		"lines:\n  - \"+14155550134\"\n  - number: +14155550199\n    name: Night\n    pace: 3\n  - +14155550177\n",
		"lines: [\"+1 (415) 555-0134\", {number: '+14155550199', name: Night, pace: 3.0}, +1.415.555.0177]\n",
	} {
		got := mustParse(t, "twilio:\n  pace: 0.5\n"+text).Lines
		want := []bridge.Line{
			{Phone: "+14155550134", Name: "Main", Pace: 0.5},
			{Phone: "+14155550199", Name: "Night", Pace: 3},
			{Phone: "+14155550177", Name: "+1 415 555 0177", Pace: 0.5},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s\n%s", text, d)
		}
	}
}

func TestTokenOfDigitsKeepsEachOfThem(t *testing.T) {
	c := mustParse(t, "twilio:\n  auth_token: 00000000000000000000000000000012\n")
	if got := c.Twilio.AuthToken.Reveal(); got != "00000000000000000000000000000012" {
		t.Errorf("got %s", got)
	}
}

func TestEveryProblemIsToldAtOnceWithItsPlaceAndItsFix(t *testing.T) {
	_, problems := parse(`sever:
  listen: ":8080"
public_url: https://inbox.example.com
server:
  listen: 8080
  public_url: http://inbox.example.com
  listen: ":80"
business:
  name: true
  time_zone: California
  region: UK
storage: var
twilio:
  account_sid: AC123
  auth_token: [a]
  auth_tokn: x
  api_key_sid: SK0123456789abcdef0123456789abcdef
  base_url: ftp://x
  pace: fast
lines:
  - number: "415 555 0134"
  - number: "+14155550134"
  - number: "+1 415 555 0134"
    nmae: Main
  - name: Main
  - number: "+1415555013"
on_duty:
  - "+14155550134"
log: {level: loud, format: xml}
session:
  days: 0
outbox:
  keep_trying: 4
`, "PORCHLIGHT_SERVER_LISEN=:80", "PORCHLIGHT_OUTBOX_TIMEOUT=1ms", "PORCHLIGHT_PORT=tcp://10.0.0.1:80", "PORCHLIGHT_TEST_FULL=1")
	want := `porchlight.yaml:1: sever: is not a setting; did you mean server?
porchlight.yaml:3: public_url: is not a setting; it belongs under server:
porchlight.yaml:5: server.listen: "8080" is not an address to listen on; write host and port, such as 127.0.0.1:8080, or :8080 for every network
porchlight.yaml:6: server.public_url: starts with http; write https (http is only for this machine, such as http://127.0.0.1:8080)
porchlight.yaml:7: server.listen: is written twice, first in line 5; keep one
porchlight.yaml:9: business.name: must be one value, but is true or false; put it in quotes if it is a text
porchlight.yaml:10: business.time_zone: "California" is not a time zone; write a name such as America/Los_Angeles or Europe/Dublin
porchlight.yaml:11: business.region: "UK" is not a country; write its two letters, such as US, GB or AU
porchlight.yaml:12: storage: must hold keys, each on its own line as key: value, but is a single value
porchlight.yaml:14: twilio.account_sid: must be AC and 32 characters of 0-9 and a-f; copy it from https://console.twilio.com
porchlight.yaml:15: twilio.auth_token: must be one value, but is a list
porchlight.yaml:16: twilio.auth_tokn: is not a setting; did you mean auth_token?
porchlight.yaml:17: twilio.api_key_sid: needs twilio.api_key_secret beside it; Twilio shows it once, when the key is made
porchlight.yaml:18: twilio.base_url: is not a web address; write it whole, such as https://inbox.example.com
porchlight.yaml:19: twilio.pace: "fast" is not a pace; write message segments a second, from 0 (no limit) to 1000
porchlight.yaml:21: lines[0].number: "415 555 0134" is not a phone number; write it with its country code and in quotes, such as "+14155550134"
porchlight.yaml:23: lines[2].number: +14155550134 is listed twice; keep one
porchlight.yaml:24: lines[2].nmae: is not a setting; did you mean name?
porchlight.yaml:25: lines[3].number: "" is not a phone number; write it with its country code and in quotes, such as "+14155550134"
porchlight.yaml:26: lines[4].number: "+1415555013" has too few or too many digits for its country; check it against the carrier's console
porchlight.yaml:28: on_duty[0]: +14155550134 is one of the lines, and a line cannot text itself; give the person's own phone
porchlight.yaml:29: log.format: "xml" is not known here; write text, json
porchlight.yaml:29: log.level: "loud" is not known here; write debug, info, warn, error
porchlight.yaml:31: session.days: "0" is not a number of days; write 1 to 365
porchlight.yaml:33: outbox.keep_trying: "4" is not a time from 1m to 72h; write a number with s, m or h, such as 1m
environment: PORCHLIGHT_OUTBOX_TIMEOUT: "1ms" is not a time from 1s to 1m; write a number with s, m or h, such as 1s
environment: PORCHLIGHT_SERVER_LISEN: is not a setting; did you mean PORCHLIGHT_SERVER_LISTEN?`
	if d := cmp.Diff(want, problems.Error()); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
}

func TestFileThatIsNoConfigurationIsRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"server:\n\tlisten: x\n", "porchlight.yaml:2: is not YAML: found character ' ' that cannot start any token"},
		{"twilio:\n  auth_token: 'hush\n", "porchlight.yaml:2: is not YAML: could not find end character of single-quoted text"},
		{"- a\n", "porchlight.yaml:1: must hold keys, each on its own line as key: value, but is a list"},
		{"hello", "porchlight.yaml:1: must hold keys, each on its own line as key: value, but is a single value"},
		{"log:\n  level: info\n---\nlog:\n", "porchlight.yaml:4: is a second document; keep one, without --- between"},
		{"log:\n  level: &l info\n", "porchlight.yaml:2: log.level: must be one value, but is an anchor, an alias or a tag, which are not read here"},
		{"lines: +14155550134\n", "porchlight.yaml:1: lines: must be a list, each entry on its own line after a dash, but is a single value"},
		{"lines:\n  - [a]\n", "porchlight.yaml:2: lines[0].number: must be one value, but is a list"},
		{`"ser\nver": 1`, "porchlight.yaml:1: ser ver: is not a setting; did you mean server?"},
	} {
		if _, problems := parse(c.text); problems.Error() != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.text, problems.Error(), c.want)
		}
	}
}

func TestPublicURL(t *testing.T) {
	for given, want := range map[string]string{
		"https://Inbox.Example.com/":  "https://inbox.example.com",
		"https://inbox.example:8443":  "https://inbox.example:8443",
		"http://127.0.0.1:8080":       "http://127.0.0.1:8080",
		"http://[::1]:8080":           "http://[::1]:8080",
		"http://localhost":            "http://localhost",
		"http://127.0.0.1.evil.org":   "",
		"https://inbox.example.com/a": "",
		"https://inbox.example.com?":  "",
		"https://inbox.example.com#":  "https://inbox.example.com",
		"https://a:b@example.com":     "",
		"https://my_inbox.example":    "",
		"https://example.com:99999":   "",
		"https://:443":                "",
		"inbox.example.com":           "",
		"//inbox.example.com":         "",
		"ftp://inbox.example.com":     "",
	} {
		got, err := parsePublicURL(given)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v; want %q", given, got, err, want)
		}
	}
}

func TestEmbedTakesExactOriginsOnly(t *testing.T) {
	for given, want := range map[string]string{
		"https://www.example.com":                           "https://www.example.com",
		"https://WWW.Example.com, https://my.example.com":   "https://www.example.com https://my.example.com",
		"https://a.example.com,https://a.example.com":       "https://a.example.com",
		"https://a.example.com:443,https://b.example:8443":  "https://a.example.com https://b.example:8443",
		"http://127.0.0.1:3000":                             "http://127.0.0.1:3000",
		"https://www.example.com/":                          "",
		"https://www.example.com/portal":                    "",
		"https://www.example.com?":                          "",
		"https://www.example.com#":                          "",
		"https://*.example.com":                             "",
		"https://a.example.com;script-src":                  "",
		"http://www.example.com":                            "",
		"www.example.com":                                   "",
		"*":                                                 "",
		"null":                                              "",
		"https://www.example.com,":                          "",
		"https://a.example.com https://b.example.com":       "",
		"https://a:b@www.example.com":                       "",
		"https://www.example.com, https://my.example.com/x": "",
	} {
		got, err := parseOrigins(given)
		if strings.Join(got, " ") != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v; want %q", given, got, err, want)
		}
	}
	if c := mustParse(t, "portal:\n  embed: https://www.example.com, https://my.example.com\n"); len(c.Portal.Embed) != 2 {
		t.Errorf("%q", c.Portal.Embed)
	}
}

func TestEnvironmentWinsOverTheFile(t *testing.T) {
	c := mustParse(t, enoughToServe+"on_duty:\n  - \"+14155550172\"\n  - \"+14155550173\"\n",
		"PORCHLIGHT_SERVER_LISTEN=:9000", "PORCHLIGHT_STORAGE_POSTGRES=postgres://u:p@127.0.0.1/db",
		"PORCHLIGHT_TWILIO_AUTH_TOKEN=another", "PORCHLIGHT_LINES=+14155550111, +14155550112",
		"PORCHLIGHT_ON_DUTY=+14155550188", "PORCHLIGHT_SERVER_PUBLIC_URL=", "HOME=/")
	if c.Server.Listen != ":9000" || c.Storage.Postgres.Reveal() != "postgres://u:p@127.0.0.1/db" || c.Twilio.AuthToken.Reveal() != "another" {
		t.Errorf("not taken from the environment: %+v", c)
	}
	if c.Server.PublicURL != "https://inbox.example.com" {
		t.Errorf("an empty variable replaced the file's value by %q", c.Server.PublicURL)
	}
	want := []bridge.Line{{Phone: "+14155550111", Name: "Main", Pace: 1}, {Phone: "+14155550112", Name: "+1 415 555 0112", Pace: 1}}
	if d := cmp.Diff(want, c.Lines); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]bridge.Phone{"+14155550188"}, c.OnDuty); d != "" {
		t.Error(d)
	}
}

func TestEnvironmentAloneIsEnoughToServe(t *testing.T) {
	_, err := loadToServe("", []string{"PORCHLIGHT_SERVER_PUBLIC_URL=https://inbox.example.com",
		"PORCHLIGHT_TWILIO_ACCOUNT_SID=" + someAccount, "PORCHLIGHT_TWILIO_AUTH_TOKEN=" + someToken, "PORCHLIGHT_LINES=+14155550134"})
	if err != nil {
		t.Error(err)
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	dir := t.TempDir()
	full, empty := filepath.Join(dir, "full"), filepath.Join(dir, "empty")
	for name, text := range map[string]string{full: someToken + "\n", empty: "\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := mustParse(t, "twilio:\n  auth_token_file: "+full+"\n")
	if c.Twilio.AuthToken.Reveal() != someToken {
		t.Errorf("got %q", c.Twilio.AuthToken.Reveal())
	}
	c = mustParse(t, "twilio:\n  auth_token: old\n", "PORCHLIGHT_TWILIO_AUTH_TOKEN_FILE="+full)
	if c.Twilio.AuthToken.Reveal() != someToken {
		t.Errorf("the environment's file did not win over the file's token: %q", c.Twilio.AuthToken.Reveal())
	}
	c = mustParse(t, "twilio:\n  auth_token_file: "+empty+"\n", "PORCHLIGHT_TWILIO_AUTH_TOKEN=direct")
	if c.Twilio.AuthToken.Reveal() != "direct" {
		t.Errorf("the environment's token did not win over the file's file: %q", c.Twilio.AuthToken.Reveal())
	}

	_, problems := parse("twilio:\n  auth_token: a\n  auth_token_file: " + full + "\n  auth_token_previous_file: " + empty +
		"\n  api_key_secret_file: " + dir + "\nstorage:\n  postgres_file: " + dir + "/none\n")
	want := "porchlight.yaml:3: twilio.auth_token_file: twilio.auth_token is given too; keep one of the two\n" +
		"porchlight.yaml:4: twilio.auth_token_previous_file: " + empty + " is empty; put the secret into it\n" +
		"porchlight.yaml:5: twilio.api_key_secret_file: " + dir + ": cannot be read: is a directory\n" +
		"porchlight.yaml:5: twilio.api_key_secret_file: needs twilio.api_key_sid beside it, which starts with SK\n" +
		"porchlight.yaml:7: storage.postgres_file: " + dir + "/none: there is no such file"
	if d := cmp.Diff(want, problems.Error()); d != "" {
		t.Error(d)
	}
}

func TestProblemsNeverRepeatASecret(t *testing.T) {
	const hush = "hu sh"
	_, problems := parse("storage:\n  postgres: \"mysql://u:"+hush+"@h/d\"\ntwilio:\n  auth_token: "+hush+
		"\n  auth_token_previous: "+hush+"\n  api_key_secret: "+hush+"\n", "PORCHLIGHT_TWILIO_AUTH_TOKN="+hush)
	if len(problems) != 6 {
		t.Errorf("want a problem for each of the five and for the missing key id, got\n%v", problems)
	}
	if strings.Contains(problems.Error(), hush) {
		t.Errorf("a secret in\n%v", problems)
	}
}

func TestSecretIsHiddenHoweverItIsPrinted(t *testing.T) {
	type wrapped struct {
		Shown  Secret
		hidden Secret
	}
	s := newSecret(someToken)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb, s)
		fmt.Fprintf(&out, verb, &s)
		fmt.Fprintf(&out, verb, wrapped{s, s})
		fmt.Fprintf(&out, verb, []Secret{s})
	}
	c := mustParse(t, enoughToServe)
	fmt.Fprintf(&out, "%v %+v %#v", c, c, c)
	for _, format := range []string{"text", "json"} {
		newLogger(&out, LogConfig{Format: format}).Info("starting", "token", s, "config", c, "twilio", c.Twilio)
	}
	if err := json.NewEncoder(&out).Encode(c); err != nil {
		t.Fatal(err)
	}
	if printed := out.String(); strings.Contains(printed, someToken) || strings.Contains(printed, fmt.Sprintf("%x", someToken)) {
		t.Errorf("the secret stands in\n%s", printed)
	}
	if !strings.Contains(out.String(), hidden) {
		t.Error("nothing says that there is a secret")
	}
	if s.Reveal() != someToken || (Secret{}).Reveal() != "" || (Secret{}).Set() {
		t.Error("Reveal or Set is wrong")
	}
}

func TestServeSaysWhatIsMissingAndWhereToGetIt(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // the start of each line, then a word of the fix
	}{
		{"an empty file", "", []string{
			"porchlight.yaml:1: lines: is missing", "Active numbers",
			"porchlight.yaml:1: server.public_url: is missing", "tunnel",
			"porchlight.yaml:1: twilio.account_sid: is missing", "porchlight demo",
			"porchlight.yaml:1: twilio.auth_token: is missing", "console.twilio.com"}},
		{"empty keys", "server:\n  public_url:\ntwilio:\n  account_sid: \"\"\n  auth_token: ''\nlines: []\n", []string{
			"porchlight.yaml:2: server.public_url: is missing", "https",
			"porchlight.yaml:4: twilio.account_sid: is missing", "Account Info",
			"porchlight.yaml:5: twilio.auth_token: is missing", "auth_token_file",
			"porchlight.yaml:6: lines: is missing", "number:"}},
		{"wrong is not missing", "server:\n  public_url: x\ntwilio:\n  account_sid: x\n  auth_token: [x]\nlines: [x]\n", nil},
	} {
		config, _ := parse(c.text)
		problems := config.RequireServe()
		if len(problems) != len(c.want)/2 {
			t.Fatalf("%s: got\n%v", c.name, problems)
		}
		for i, p := range problems.sorted() {
			if got := p.String(); !strings.HasPrefix(got, c.want[2*i]) || !strings.Contains(got, c.want[2*i+1]) {
				t.Errorf("%s: got %s", c.name, got)
			}
		}
	}
}

func TestMissingFileIsOneProblem(t *testing.T) {
	_, err := loadToServe("nowhere.yaml", nil)
	if err == nil || err.Error() != "nowhere.yaml: there is no such file" {
		t.Errorf("got %v", err)
	}
}

const exampleFile = "../../config.example.yaml"

func readExample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestExampleFileIsValidAndNeedsOnlyWhatNobodyCanGuess(t *testing.T) {
	c := mustParse(t, readExample(t))
	var missing []string
	for _, p := range c.RequireServe() {
		missing = append(missing, p.Key)
	}
	if d := cmp.Diff([]string{"server.public_url", "twilio.account_sid", "twilio.auth_token", "lines"}, missing); d != "" {
		t.Error(d)
	}
}

func TestExampleFileShowsEverySetting(t *testing.T) {
	text := readExample(t)
	for _, word := range []string{"auth_token_file:", "auth_token_previous_file", "api_key_secret_file", "postgres_file", "password_file", "dkim_key_file"} {
		if !strings.Contains(text, word) {
			t.Errorf("%s is not explained", word)
		}
	}
	// With every # taken away, each setting has a value.
	text = regexp.MustCompile(`(?m)^( *)#([a-z-])`).ReplaceAllString(text, "$1$2")
	c := mustParse(t, text, "PORCHLIGHT_SERVER_PUBLIC_URL=https://inbox.example.com",
		"PORCHLIGHT_TWILIO_ACCOUNT_SID="+someAccount, "PORCHLIGHT_TWILIO_AUTH_TOKEN="+someToken)
	for _, key := range c.keys() {
		if !c.given[key] && !strings.HasSuffix(key, "_file") {
			t.Errorf("%s is not in the example", key)
		}
	}
	for _, field := range lineKeys() {
		if !c.given["lines[0]."+field] {
			t.Errorf("lines: %s is not in the example", field)
		}
	}
	if len(c.OnDuty) != 1 {
		t.Error("on_duty is not in the example")
	}
	// What the example shows as a default is the default.
	d := defaultConfig()
	got := []any{c.Server.Listen, c.Business.Name, c.Business.Region, c.Storage.Path, c.Twilio.Pace, c.Twilio.BaseURL, c.Email.TLS, c.Log, c.Session, c.Outbox}
	want := []any{d.Server.Listen, d.Business.Name, d.Business.Region, d.Storage.Path, d.Twilio.Pace, d.Twilio.BaseURL, d.Email.TLS, d.Log, d.Session, d.Outbox}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults in the example (-program +example):\n%s", diff)
	}
}

func TestEveryFieldOfConfigHasASetting(t *testing.T) {
	text := regexp.MustCompile(`(?m)^( *)#([a-z-])`).ReplaceAllString(readExample(t), "$1$2")
	text = strings.Replace(text, "level: info", "level: debug", 1) // info is slog's zero
	c := mustParse(t, text, "PORCHLIGHT_SERVER_PUBLIC_URL=https://inbox.example.com",
		"PORCHLIGHT_TWILIO_ACCOUNT_SID="+someAccount, "PORCHLIGHT_TWILIO_AUTH_TOKEN="+someToken)
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		if v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[Secret]() {
			if v.IsZero() {
				t.Errorf("%s cannot be set, or the example does not show it", path)
			}
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				walk(path+"."+f.Name, v.Field(i))
			}
		}
	}
	walk("Config", reflect.ValueOf(c))
}

func TestEmailSettingsThatAreOfNoUseAloneAreTold(t *testing.T) {
	const pem = `"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"`
	for text, want := range map[string]string{
		"email:\n  host: smtp.example.com\n":      "porchlight.yaml:2: email.host: needs email.from beside it, the address that mails come from, such as office@example.com",
		"email:\n  from: office@example.com\n":    "porchlight.yaml:2: email.from: needs email.host beside it, the mail server that carries them, such as smtp.example.com",
		"email:\n  username: office\n":            "porchlight.yaml:2: email.username: needs email.password beside it; many mail servers want an app password here",
		"email:\n  dkim_key: " + pem + "\n":       "porchlight.yaml:2: email.dkim_key: needs email.dkim_selector beside it, the key's name in DNS",
		"email:\n  dkim_key: hunter2\n":           "porchlight.yaml:2: email.dkim_key: is not a private key in PEM; make one with: openssl genrsa -out dkim.pem 2048, and name it as email.dkim_key_file",
		"email:\n  from: Sam <sam@example.com>\n": `porchlight.yaml:2: email.from: "sam <sam@example.com>" is not an email address; write it alone, without a name, such as office@example.com`,
		"email:\n  host: https://example.com\n":   `porchlight.yaml:2: email.host: "https://example.com" is not the name of a host; write it alone, such as smtp.example.com`,
		"email:\n  port: 0\n":                     `porchlight.yaml:2: email.port: "0" is not a port; write a number from 1 to 65535, mostly 587 or 465`,
		"email:\n  tls: ssl\n":                    `porchlight.yaml:2: email.tls: "ssl" is not known here; write starttls, implicit, opportunistic, none`,
		"business:\n  color: red\n":               `porchlight.yaml:2: business.color: "red" is not a colour; write # and six digits in quotes, such as "#1f57c3"`,
	} {
		_, problems := parse(text)
		if len(problems) == 0 || problems[0].String() != want {
			t.Errorf("%s\ngot  %v\nwant %s", text, problems, want)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(enoughToServe))
	if text, err := os.ReadFile(exampleFile); err == nil {
		f.Add(text)
		f.Add(regexp.MustCompile(`(?m)^( *)#([a-z-])`).ReplaceAll(text, []byte("$1$2")))
	}
	for _, text := range []string{"", "lines: [+14155550134, {number: x}]", "a: &a [*a]\n", "server: {listen: 1}\n---\n", "? [a]\n: b\n", "<<: *x\n", "twilio:\n  auth_token: |\n    abc\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Contains(text, []byte("_file")) {
			t.Skip("would read files of this machine")
		}
		c, problems := parseConfig("f.yaml", text, nil)
		for _, p := range append(problems, c.RequireServe()...) {
			if s := p.String(); p.Problem == "" || !strings.HasPrefix(s, "f.yaml:") || strings.ContainsAny(s, "\n\r\x1b") {
				t.Errorf("not a problem with its place: %q", s)
			}
		}
		if len(problems) > 0 {
			return
		}
		for i, line := range c.Lines {
			if phone, err := bridge.ParsePhone(string(line.Phone)); err != nil || phone != line.Phone || line.Pace < 0 {
				t.Errorf("line %d is %+v", i, line)
			}
		}
		if _, err := parsePublicURL(c.Server.PublicURL); c.Server.PublicURL != "" && err != nil {
			t.Errorf("public_url %q: %v", c.Server.PublicURL, err)
		}
		if c.Business.TimeZone == nil || c.Session.Days < 1 || c.Outbox.Timeout <= 0 {
			t.Errorf("lost a default: %+v", c)
		}
	})
}
