package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"porchlight/bridge/email"
)

// A Problem is one thing that is wrong with the configuration, with what to
// write instead. Line is 0 where there is no line: the environment, or a file
// that cannot be read.
type Problem struct {
	File    string
	Line    int
	Key     string
	Problem string
}

// String is file:line: key: problem, which editors and terminals can follow.
func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line)
	}
	if p.Key != "" {
		s += ": " + p.Key
	}
	return strings.Map(printable, s+": "+p.Problem)
}

// printable keeps a problem on its line, whatever somebody wrote as a key.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

// Problems are all there are, in the order of the file. As an error they are
// one line each.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Err is nil when there are no problems.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if (a.Line == 0) != (b.Line == 0) {
			return b.Line - a.Line // the environment after the file
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return strings.Compare(a.Key, b.Key)
	})
	return ps
}

// loadToServe is LoadConfig and RequireServe in one list, for whoever is about
// to serve.
func loadToServe(path string, environ []string) (Config, error) {
	c, problems := LoadConfig(path, environ)
	unread := slices.ContainsFunc(problems, func(p Problem) bool { return p.Key == "" })
	if !unread { // else all would be missing
		problems = append(problems, c.RequireServe()...).sorted()
	}
	return c, problems.Err()
}

// RequireServe says what serving real customers needs beyond a valid file, and
// where to get it. A key that was given but refused is not called missing.
func (c Config) RequireServe() Problems {
	var ps Problems
	for _, need := range []struct{ key, problem string }{
		{"server.public_url", "is missing; Twilio has to reach Porchlight by https. Give the address of your reverse proxy, such as https://inbox.example.com. For a first try, open a tunnel (cloudflared tunnel --url http://" + c.Server.Listen + ", or ngrok http " + c.Server.Listen + ") and give the https address that it prints"},
		{"twilio.account_sid", "is missing; it is the Account SID under Account Info on the first page of https://console.twilio.com and starts with AC. To look around without an account, run: porchlight demo"},
		{"twilio.auth_token", "is missing; it is the Auth Token under Account Info on the first page of https://console.twilio.com. Give it here, or name a file that holds it in twilio.auth_token_file, or set " + envName("twilio.auth_token")},
		{linesKey, "is missing; list the number that you rent, as - number: \"+14155550134\" or as " + envName(linesKey) + "=+14155550134. It is in https://console.twilio.com under Phone Numbers, Active numbers"},
	} {
		if c.given[need.key] {
			continue
		}
		at := c.missing(need.key)
		ps = append(ps, Problem{File: at.file, Line: at.line, Key: at.key, Problem: need.problem})
	}
	for _, key := range []string{"s3.bucket", "s3.access_key", "s3.secret_key"} {
		if c.S3.Endpoint != "" && !c.given[key] {
			at := c.missing(key)
			ps = append(ps, Problem{File: at.file, Line: at.line, Key: at.key, Problem: "is missing; with s3.endpoint set, files need it. Take s3.endpoint out to keep them in a folder"})
		}
	}
	return ps
}

// missing says where a key would have been: its empty self, its section, the
// top of the file, or the environment when there is no file.
func (c Config) missing(key string) origin {
	section, _, _ := strings.Cut(key, ".")
	for _, k := range []string{key, section} {
		if at, ok := c.origins[k]; ok && at.line > 0 {
			return origin{at.file, at.line, key}
		}
	}
	if c.file == "" {
		return origin{file: environment, key: envName(key)}
	}
	return origin{c.file, 1, key}
}

// checkConfig is the command that an owner runs before the real start.
func checkConfig(_ context.Context, e env) error {
	flags := e.flags()
	file := configFlag(flags)
	if _, err := e.parse(flags, 0, 0); err != nil {
		return err
	}
	path := findConfig(*file, e.environ)
	c, err := loadToServe(path, e.environ)
	if err != nil {
		return err
	}
	if path == "" {
		path = environment
	}
	fmt.Fprintf(e.stdout, "%s: no problems found\n\n%s", path, c.summary())
	return nil
}

// summary is what the program understood, with the addresses that have to be
// given to Twilio. It shows no secrets.
func (c Config) summary() string {
	var b strings.Builder
	row := func(name, text string) { fmt.Fprintf(&b, "%-15s %s\n", name, text) }
	row("business", fmt.Sprintf("%s, %s, %s", c.Business.Name, c.Business.Region, c.Business.TimeZone))
	row("listens on", c.Server.Listen)
	row("inbox", c.Server.PublicURL)
	row("messages in", c.storedIn())
	for _, line := range c.Lines {
		pace := "no pace limit"
		if line.Pace > 0 {
			pace = fmt.Sprintf("pace %g a second", line.Pace)
		}
		row("line", fmt.Sprintf("%s (%s), %s", line.Phone.Pretty(), line.Name, pace))
	}
	for _, phone := range c.OnDuty {
		row("on duty", phone.Pretty())
	}
	if m := c.Email; m.Host != "" {
		row("emails", fmt.Sprintf("from %s by %s", m.From, m.summary()))
	} else {
		row("emails", "none; set email.host and email.from to send them")
	}
	row("receptionist", c.Receptionist.summary())
	b.WriteString("\nAt each number in the Twilio console, under \"A message comes in\":\n")
	row("webhook", c.Server.PublicURL+"/webhooks/twilio/sms#rc=3&rp=all&ct=2000")
	row("fallback", c.Server.PublicURL+"/webhooks/twilio/sms-fallback")
	b.WriteString("\nAnd under \"A call comes in\", if calls are to go through Porchlight:\n")
	row("webhook", c.Server.PublicURL+"/webhooks/twilio/voice")
	row("fallback", c.Server.PublicURL+"/webhooks/twilio/voice-fallback")
	row("status changes", c.Server.PublicURL+"/webhooks/twilio/voice-status")
	return b.String()
}

// summary says which AI receptionists are set up.
func (r ReceptionistConfig) summary() string {
	bot, _, _ := strings.Cut(r.BotURL, "?") // what follows may be a secret
	var parts []string
	for _, p := range []struct {
		set  bool
		name string
	}{{r.Secret.Set(), "handoffs in the neutral format"}, {r.VapiSecret.Set(), "Vapi"}, {r.RetellKey.Set(), "Retell"}, {r.ElevenLabsSecret.Set(), "ElevenLabs"}, {r.BotURL != "", "texts by " + bot}} {
		if p.set {
			parts = append(parts, p.name)
		}
	}
	if len(parts) == 0 {
		return "none (docs/receptionist.md)"
	}
	return strings.Join(parts, ", ")
}

// summary says how mails leave.
func (m EmailConfig) summary() string {
	parts := []string{m.Host}
	if m.Port != 0 {
		parts[0] += ":" + strconv.Itoa(m.Port)
	}
	parts = append(parts, map[email.Security]string{
		email.StartTLS: "STARTTLS", email.ImplicitTLS: "TLS", email.Opportunistic: "TLS if offered", email.NoTLS: "NOT encrypted",
	}[m.TLS])
	if m.Username == "" {
		parts = append(parts, "no login")
	}
	if m.DKIMKey.Set() {
		parts = append(parts, "signed as "+m.DKIMSelector+"._domainkey."+m.DKIMDomain)
	}
	return strings.Join(parts, ", ")
}

func (c Config) storedIn() string {
	files := ""
	if c.S3.Endpoint != "" {
		files = "; files in the bucket " + c.S3.Bucket + " at " + c.S3.Endpoint
	}
	if c.Storage.Postgres.Set() {
		if files == "" {
			files = ", blobs in the folder " + c.Storage.Path
		}
		return "PostgreSQL" + files
	}
	return "SQLite in the folder " + c.Storage.Path + files
}
