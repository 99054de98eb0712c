package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
)

// A command is one thing that the program does. Names have one or two words.
// Its run parses its own flags first, before it touches anything, so that help
// can ask it for them.
type command struct {
	name string
	args string // as the help shows them
	help string // one line
	run  func(context.Context, env) error
}

// commands lists what there is, in the order of the help.
func commands() []command {
	return []command{
		{"serve", "[-config FILE]", "receive, send and show texts", serve},
		{"demo", "[-listen ADDR] [-dir DIR]", "try everything with made-up people and no account", runDemo},
		{"config check", "[-config FILE]", "read the configuration and tell every problem", checkConfig},
		{"migrate", "[-config FILE]", "bring the store's schema up to date", migrate},
		{"staff add", "[-role ROLE] NAME EMAIL", "add somebody to the team", addStaff},
		{"staff list", "", "show the team", listStaff},
		{"staff password", "NAME", "set a new password, by name or email", setPassword},
		{"staff off", "NAME", "switch an account off; what they wrote stays", switchOff},
		{"staff on", "NAME", "switch it on again", switchOn},
		{"staff key", "[-revoke] NAME", "make an API key that acts as this person, or revoke all of theirs", makeKey},
		{"contacts import", "[-dry-run] [-skip-bad] FILE", "take contacts from a CSV file; - is standard input", importContacts},
		{"records import", "[-dry-run] [-skip-bad] [-type TYPE] FILE", "take jobs, quotes, projects and requests from a CSV file", importRecords},
		{"deliveries list", "[-state STATE]", "show the newest deliveries", listDeliveries},
		{"deliveries retry", "ID", "send a failed delivery once more", retryDelivery},
		{"email test", "[-config FILE] ADDRESS", "send a test email and say what the mail server answered", testEmail},
		{"bench", "[-quick] [-only LIST] [-dir DIR]", "measure this machine against a bare program", runBench},
		{"version", "", "say which build this is", printVersion},
	}
}

// An env is what a command may use of the world.
type env struct {
	command command
	args    []string
	environ []string // as os.Environ gives it
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
}

// usageError is a mistake in the command line: exit code 2, and a hint.
type usageError struct{ sentence string }

func (e *usageError) Error() string { return e.sentence }

// errHelped says that help was asked for and given.
var errHelped = errors.New("help was shown")

// The exit codes of every command.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// run is the whole program between the operating system and the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	e := env{args: args, environ: os.Environ(), stdin: os.Stdin, stdout: stdout, stderr: stderr}
	if len(args) > 0 && args[0] == benchServer {
		return report(e, benchServer, serveBench(ctx, e))
	}
	return dispatch(ctx, commands(), e)
}

func dispatch(ctx context.Context, table []command, e env) int {
	if len(e.args) == 0 {
		fmt.Fprint(e.stderr, overview(table))
		return exitUsage
	}
	switch e.args[0] {
	case "help", "-h", "-help", "--help":
		if len(e.args) == 1 {
			fmt.Fprint(e.stdout, overview(table))
			return exitOK
		}
		words := e.args[1:]
		if _, _, err := find(table, words); err == nil {
			e.args = append(slices.Clone(words[:min(2, len(words))]), "-h")
		} else {
			e.args = words
		}
	}
	c, rest, err := find(table, e.args)
	if err != nil {
		return report(e, "porchlight", err)
	}
	e.command, e.args = c, rest
	return report(e, "porchlight "+c.name, c.run(ctx, e))
}

// find takes the command from the front of args, the two-word names first.
func find(table []command, args []string) (command, []string, error) {
	var family, names []string
	for n := min(2, len(args)); n > 0; n-- {
		for _, c := range table {
			if c.name == strings.Join(args[:n], " ") {
				return c, args[n:], nil
			}
		}
	}
	for _, c := range table {
		names = append(names, c.name)
		if strings.HasPrefix(c.name, args[0]+" ") {
			family = append(family, c.name)
		}
	}
	if len(family) > 0 {
		return command{}, nil, &usageError{"choose one of " + strings.Join(family, ", ")}
	}
	given := strings.Join(args[:min(2, len(args))], " ")
	near := didYouMean(given, names)
	if near == "" {
		near = didYouMean(args[0], names)
	}
	return command{}, nil, &usageError{fmt.Sprintf("there is no command %q%s", args[0], near)}
}

// report writes the error, if any, and gives the exit code for it.
func report(e env, who string, err error) int {
	var usage *usageError
	var problems Problems
	switch {
	case err == nil, errors.Is(err, errHelped):
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(e.stderr, "%s: %s\n", who, usage.sentence)
		if e.command.name != "" {
			fmt.Fprintf(e.stderr, "See: porchlight help %s\n", e.command.name)
		} else {
			fmt.Fprintln(e.stderr, "See: porchlight help")
		}
		return exitUsage
	case errors.As(err, &problems):
		fmt.Fprintf(e.stderr, "%s: nothing was started; mend this first:\n%s\n", who, problems.Error())
		return exitFailure
	default:
		fmt.Fprintf(e.stderr, "%s: %v\n", who, err)
		return exitFailure
	}
}

func overview(table []command) string {
	var b strings.Builder
	b.WriteString("Porchlight is an SMS bridge with a shared inbox for service businesses.\n\nCommands:\n")
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, c := range table {
		fmt.Fprintf(w, "  %s\t%s\n", c.name, c.help)
	}
	fmt.Fprintf(w, "  help COMMAND\tshow the flags of a command\n")
	w.Flush()
	return b.String()
}

// flags gives an empty flag set for the command; its parse is env.parse.
func (e env) flags() *flag.FlagSet {
	flags := flag.NewFlagSet(e.command.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// parse reads the command line and gives what is not a flag, of which there
// must be from least to most (no upper bound if negative). Flags may also stand
// after the other arguments; what follows -- is never one.
func (e env) parse(flags *flag.FlagSet, least, most int) ([]string, error) {
	var words []string
	for args := e.args; len(args) > 0; {
		err := flags.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			e.printHelp(flags)
			return nil, errHelped
		}
		if err != nil {
			return nil, &usageError{err.Error()}
		}
		rest := flags.Args()
		if taken := len(args) - len(rest); len(rest) == 0 || taken > 0 && args[taken-1] == "--" {
			words = append(words, rest...)
			break
		}
		words, args = append(words, rest[0]), rest[1:]
	}
	switch n := len(words); {
	case n < least:
		return nil, &usageError{"something is missing; write porchlight " + strings.TrimSpace(e.command.name+" "+e.command.args)}
	case most >= 0 && n > most:
		return nil, &usageError{fmt.Sprintf("there is no use for %q here", words[most])}
	}
	return words, nil
}

func (e env) printHelp(flags *flag.FlagSet) {
	fmt.Fprintf(e.stdout, "porchlight %s\n\n%s.\n", strings.TrimSpace(e.command.name+" "+e.command.args), sentence(e.command.help))
	var defaults strings.Builder
	flags.SetOutput(&defaults)
	flags.PrintDefaults()
	if defaults.Len() > 0 {
		fmt.Fprintf(e.stdout, "\nFlags:\n%s", defaults.String())
	}
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

const defaultConfigFile = "porchlight.yaml"

// configFlag is the same flag in each command that reads the configuration.
func configFlag(flags *flag.FlagSet) *string {
	return flags.String("config", "", "`FILE` with the configuration (default $PORCHLIGHT_CONFIG, then "+defaultConfigFile+" if it is here, then the environment alone)")
}

// findConfig gives the file that counts: what the flag says, or
// PORCHLIGHT_CONFIG, or porchlight.yaml in the working folder, or none.
func findConfig(fromFlag string, environ []string) string {
	if fromFlag != "" {
		return fromFlag
	}
	for _, pair := range environ {
		if path, ok := strings.CutPrefix(pair, "PORCHLIGHT_CONFIG="); ok && path != "" {
			return path
		}
	}
	if _, err := os.Stat(defaultConfigFile); err == nil {
		return defaultConfigFile
	}
	return ""
}

// LogConfig says how much is logged, and how.
type LogConfig struct {
	Level  slog.Level
	Format string // text or json
}

// newLogger writes to w what c lets through.
func newLogger(w io.Writer, c LogConfig) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

func printVersion(_ context.Context, e env) error {
	if _, err := e.parse(e.flags(), 0, 0); err != nil {
		return err
	}
	_, err := fmt.Fprintf(e.stdout, "porchlight %s %s %s/%s\n", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// buildVersion is the module's version, or for a build from a checkout its
// commit, with "modified" when the checkout had changes.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	var revision, at, modified string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case "vcs.time":
			at, _, _ = strings.Cut(s.Value, "T")
		case "vcs.modified":
			if s.Value == "true" {
				modified = "modified"
			}
		}
	}
	version := info.Main.Version
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	return strings.Join(strings.Fields(strings.Join([]string{version, revision, at, modified}, " ")), " ")
}
