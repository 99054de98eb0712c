package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// say runs a table of commands and gives what a person sees.
func say(table []command, environ []string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = dispatch(context.Background(), table, env{args: args, environ: environ, stdin: strings.NewReader(""), stdout: &out, stderr: &errs})
	return code, out.String(), errs.String()
}

func tableWith(run func(context.Context, env) error) []command {
	return []command{
		{"staff add", "NAME [-role ROLE]", "add a person", run},
		{"staff list", "", "list the people", run},
		{"serve", "", "serve", run},
	}
}

func addAnybody(_ context.Context, e env) error {
	flags := e.flags()
	role := flags.String("role", "admin", "the `ROLE`")
	words, err := e.parse(flags, 1, 2)
	if err != nil {
		return err
	}
	_, err = e.stdout.Write([]byte(*role + ": " + strings.Join(words, "|")))
	return err
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string // a part of each; empty: nothing is written there
	}{
		{"staff add Ann", exitOK, "admin: Ann", ""},
		{"staff add -role owner Ann Lee", exitOK, "owner: Ann|Lee", ""},
		{"staff add Ann -role owner", exitOK, "owner: Ann", ""},
		{"staff add -role owner -- -Ann -role", exitOK, "owner: -Ann|-role", ""},
		{"staff add", exitUsage, "", "porchlight staff add: something is missing; write porchlight staff add NAME [-role ROLE]\nSee: porchlight help staff add\n"},
		{"staff add a b c", exitUsage, "", `there is no use for "c" here`},
		{"staff add -rol x", exitUsage, "", "flag provided but not defined: -rol"},
		{"staff", exitUsage, "", "porchlight: choose one of staff add, staff list\nSee: porchlight help\n"},
		{"staff ad", exitUsage, "", "choose one of staff add, staff list"},
		{"sreve", exitUsage, "", `there is no command "sreve"; did you mean serve?`},
		{"make coffee", exitUsage, "", "there is no command \"make\"\n"},
		{"", exitUsage, "", "  serve          serve\n"},
		{"help", exitOK, "  staff add      add a person\n", ""},
		{"help staff add", exitOK, "porchlight staff add NAME [-role ROLE]\n\nAdd a person.\n\nFlags:\n  -role ROLE", ""},
		{"staff add -h", exitOK, "Add a person.", ""},
		{"staff add Ann --help", exitOK, "Add a person.", ""},
		{"help sreve", exitUsage, "", "did you mean serve?"},
		{"help staff", exitUsage, "", "choose one of staff add, staff list"},
	} {
		code, stdout, stderr := say(tableWith(addAnybody), nil, strings.Fields(c.args)...)
		if code != c.code || !part(stdout, c.stdout) || !part(stderr, c.stderr) {
			t.Errorf("porchlight %s: code %d\nstdout: %s\nstderr: %s", c.args, code, stdout, stderr)
		}
	}
}

func part(text, want string) bool {
	if want == "" {
		return text == ""
	}
	return strings.Contains(text, want)
}

func TestFailureIsOneSentenceAndCodeOne(t *testing.T) {
	code, stdout, stderr := say(tableWith(func(context.Context, env) error { return errors.New("the disk is full") }), nil, "serve")
	if code != exitFailure || stdout != "" || stderr != "porchlight serve: the disk is full\n" {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestEveryCommandExplainsItselfWithoutStarting(t *testing.T) {
	for _, c := range commands() {
		code, stdout, stderr := say(commands(), nil, append([]string{"help"}, strings.Fields(c.name)...)...)
		if code != exitOK || stderr != "" || !strings.HasPrefix(stdout, "porchlight "+c.name) {
			t.Errorf("help %s: code %d\n%s%s", c.name, code, stdout, stderr)
		}
		if strings.HasSuffix(c.help, ".") || c.help == "" {
			t.Errorf("%s: the help is one line without a full stop, but is %q", c.name, c.help)
		}
		code, _, stderr = say(commands(), nil, append(strings.Fields(c.name), "-no-such-flag")...)
		if code != exitUsage || !strings.Contains(stderr, "-no-such-flag") {
			t.Errorf("%s with a wrong flag: code %d\n%s", c.name, code, stderr)
		}
	}
}

func TestConfigCheckTellsEveryProblemOrWhatToDoNext(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "bad.yaml")
	for name, text := range map[string]string{good: enoughToServe + "  - {number: +14155550199, pace: 0}\non_duty:\n  - +14155550172\n", bad: "server:\n  lisen: x\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := say(commands(), []string{"PORCHLIGHT_CONFIG=" + good, "PORCHLIGHT_BUSINESS_TIME_ZONE=Europe/Dublin"}, "config", "check")
	want := good + `: no problems found

business        Porchlight, US, Europe/Dublin
listens on      127.0.0.1:8080
inbox           https://inbox.example.com
messages in     SQLite in the folder var
line            +1 415 555 0134 (Main), pace 1 a second
line            +1 415 555 0199 (+1 415 555 0199), no pace limit
on duty         +1 415 555 0172
emails          none; set email.host and email.from to send them
receptionist    none (docs/receptionist.md)

At each number in the Twilio console, under "A message comes in":
webhook         https://inbox.example.com/webhooks/twilio/sms#rc=3&rp=all&ct=2000
fallback        https://inbox.example.com/webhooks/twilio/sms-fallback

And under "A call comes in", if calls are to go through Porchlight:
webhook         https://inbox.example.com/webhooks/twilio/voice
fallback        https://inbox.example.com/webhooks/twilio/voice-fallback
status changes  https://inbox.example.com/webhooks/twilio/voice-status
`
	if d := cmp.Diff(want, stdout); d != "" || code != exitOK || stderr != "" {
		t.Errorf("code %d, stderr %s\n%s", code, stderr, d)
	}

	code, stdout, stderr = say(commands(), nil, "config", "check", "-config", bad)
	if code != exitFailure || stdout != "" {
		t.Errorf("code %d, stdout %q", code, stdout)
	}
	for _, line := range []string{
		"porchlight config check: nothing was started; mend this first:\n",
		bad + ":1: server.public_url: is missing",
		bad + ":2: server.lisen: is not a setting; did you mean listen?\n",
		bad + ":1: twilio.auth_token: is missing",
	} {
		if !strings.Contains(stderr, line) {
			t.Errorf("no %q in\n%s", line, stderr)
		}
	}
}

func TestConfigFileIsFoundWhereItIsSaidToBe(t *testing.T) {
	t.Chdir(t.TempDir())
	named := []string{"PORCHLIGHT_CONFIG=/etc/porchlight.yaml"}
	if got := findConfig("", nil); got != "" {
		t.Errorf("found %q where nothing is", got)
	}
	if err := os.WriteFile(defaultConfigFile, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flag    string
		environ []string
		want    string
	}{{"a.yaml", named, "a.yaml"}, {"", named, "/etc/porchlight.yaml"}, {"", nil, defaultConfigFile}, {"", []string{"PORCHLIGHT_CONFIG="}, defaultConfigFile}} {
		if got := findConfig(c.flag, c.environ); got != c.want {
			t.Errorf("%+v: found %q", c, got)
		}
	}
}

func TestVersionNamesTheBuild(t *testing.T) {
	code, stdout, _ := say(commands(), nil, "version")
	if code != exitOK || !strings.HasPrefix(stdout, "porchlight ") || len(strings.Fields(stdout)) < 4 {
		t.Errorf("code %d: %q", code, stdout)
	}
}

func TestLoggerLetsThroughWhatWasAskedFor(t *testing.T) {
	var out bytes.Buffer
	level, err := parseLevel("warn")
	if err != nil {
		t.Fatal(err)
	}
	log := newLogger(&out, LogConfig{Level: level, Format: "json"})
	log.Info("quiet")
	log.Warn("loud", "line", 1)
	if got := out.String(); !strings.Contains(got, `"msg":"loud","line":1`) || strings.Contains(got, "quiet") {
		t.Errorf("logged %s", got)
	}
}
