package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/sms"
	"porchlight/data"
)

func importContacts(ctx context.Context, e env) error {
	return runImport(ctx, e, "contacts", (*intake.Intake).ImportContacts)
}

func importRecords(ctx context.Context, e env) error {
	return runImport(ctx, e, "records", (*intake.Intake).ImportRecords)
}

// runImport is both commands: the file is read as a whole, then taken in one
// transaction, then told.
func runImport(ctx context.Context, e env, what string, take func(*intake.Intake, context.Context, io.Reader, intake.ImportOptions) (intake.Report, error)) error {
	var o intake.ImportOptions
	flags := e.flags()
	config := configFlag(flags)
	flags.BoolVar(&o.DryRun, "dry-run", false, "say what would happen, and change nothing")
	flags.BoolVar(&o.SkipBad, "skip-bad", false, "take the good rows although there are bad ones (default: all or nothing)")
	kind := new(string)
	if what == "records" {
		flags.StringVar(kind, "type", "", "`TYPE` of rows that do not say it: job, quote, project or maintenance")
	}
	words, err := e.parse(flags, 1, 1)
	if err != nil {
		return err
	}
	if *kind != "" {
		if o.Type, err = bridge.ParseRecordType(*kind); err != nil {
			return &usageError{err.Error()}
		}
	}
	file := io.NopCloser(e.stdin)
	if words[0] != "-" {
		if file, err = os.Open(words[0]); err != nil {
			return err
		}
		defer file.Close()
	}
	cfg, problems := LoadConfig(findConfig(*config, e.environ), e.environ)
	if err := problems.Err(); err != nil {
		return err
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	r, err := take(newImporter(s, cfg), ctx, file, o)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	tellImport(e, what, o, r)
	if r.Bad.Total > 0 && !(o.SkipBad && r.Stored) {
		return fmt.Errorf("%s cannot be taken, so nothing was changed", rows(r.Bad.Total))
	}
	return nil
}

// newImporter is the door in without the parts that send.
func newImporter(s *data.Store, cfg Config) *intake.Intake {
	return intake.New(intake.Options{Store: s, Now: time.Now, Answerable: sms.Answerable, Zone: cfg.Business.TimeZone, Region: cfg.Business.Region})
}

func rows(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// tellImport writes the report: notes and bad rows to standard error, the count to
// standard output.
func tellImport(e env, what string, o intake.ImportOptions, r intake.Report) {
	for _, n := range r.Notes {
		fmt.Fprintf(e.stderr, "%s.\n", n)
	}
	if len(r.Ignored) > 0 {
		fmt.Fprintf(e.stderr, "Columns that mean nothing here: %s.\n", strings.Join(r.Ignored, ", "))
	}
	for _, b := range r.Bad.Rows {
		fmt.Fprintf(e.stderr, "line %d", b.Line)
		if b.Column != "" {
			fmt.Fprintf(e.stderr, ", %s", b.Column)
		}
		if b.Value != "" {
			fmt.Fprintf(e.stderr, ", %q", b.Value)
		}
		fmt.Fprintf(e.stderr, ": %s.\n", b.Reason)
	}
	if more := r.Bad.Total - len(r.Bad.Rows); more > 0 {
		fmt.Fprintf(e.stderr, "and %s more.\n", rows(more))
	}
	would := ""
	if !r.Stored {
		would = "would be "
	}
	fmt.Fprintf(e.stdout, "%s of %s: %d %snew, %d %schanged, %d unchanged, %d bad.\n", rows(r.Rows), what, r.New, would, r.Changed, would, r.Unchanged, r.Bad.Total)
	if o.DryRun {
		fmt.Fprintln(e.stdout, "This was a dry run: nothing was changed.")
	}
}
