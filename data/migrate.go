package data

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// rewritten is the migrations folder with every file in the engine's own words.
type rewritten struct {
	fs.FS
	d *dialect
}

func (r rewritten) Open(name string) (fs.File, error) {
	f, err := r.FS.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return f, err
	}
	raw, err := fs.ReadFile(r.FS, name)
	if err != nil {
		return nil, err
	}
	return &textFile{f, bytes.NewReader([]byte(r.d.ddl(string(raw))))}, nil
}

type textFile struct {
	fs.File
	r *bytes.Reader
}

func (f *textFile) Read(p []byte) (int, error) { return f.r.Read(p) }

// migrate brings the schema up to date. It refuses a schema that is newer than
// this program, because an older program would write what the newer one does not
// expect. SQLite is copied aside before anything changes.
func migrate(ctx context.Context, db *sql.DB, d *dialect, path string) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	engine, opts := goose.DialectSQLite3, []goose.ProviderOption{}
	if d.postgres {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		engine, opts = goose.DialectPostgres, append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(engine, db, rewritten{sub, d}, opts...)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	has, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	switch {
	case has > newest:
		return fmt.Errorf("the store has schema %d, and this version of Porchlight knows only up to %d: start the version that wrote it, or restore a backup", has, newest)
	case has == newest:
		return sameShape(ctx, db)
	case has > 0 && !d.postgres:
		if err := snapshot(ctx, db, fmt.Sprintf("%s.before-%d", path, newest)); err != nil {
			return err
		}
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate to schema %d: %w", newest, err)
	}
	return nil
}

// sameShape refuses a store of before the first release: until then migration 1
// itself changed, and such a store would fail later and less clearly.
func sameShape(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, "SELECT s.rev, p.id, a.id FROM staff s, placements p, attachments a WHERE 1 = 0"); err != nil {
		return fmt.Errorf("the store was made by a development version of before the first release and cannot be brought up to date: begin with an empty one (%w)", err)
	}
	return nil
}

// snapshot copies an SQLite store to a new file.
func snapshot(ctx context.Context, db *sql.DB, to string) error {
	if _, err := os.Stat(to); err == nil {
		to += time.Now().UTC().Format("-20060102T150405")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("copy the store before migrating: %w", err)
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return fmt.Errorf("copy the store before migrating: %w", err)
	}
	return nil
}
