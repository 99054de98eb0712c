package data

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"porchlight/bridge"
)

func openPostgres(url string) (w, r *sql.DB, err error) {
	w, err = sql.Open("pgx", url)
	if err != nil {
		return nil, nil, fmt.Errorf("open store: %w", err)
	}
	w.SetMaxOpenConns(2) // the committer, and goose beside its lock
	w.SetMaxIdleConns(1)
	r, err = sql.Open("pgx", url)
	if err != nil {
		w.Close()
		return nil, nil, fmt.Errorf("open store: %w", err)
	}
	r.SetMaxOpenConns(16)
	r.SetMaxIdleConns(16)
	return w, r, nil
}

// topic is the channel on which nodes tell each other of commits.
const topic = "porchlight_commits"

func nodeName() string { return rand.Text()[:12] }

// notify tells the other nodes. PostgreSQL delivers it when the transaction
// commits and not before. A payload has at most 8,000 bytes, so beyond 500
// conversations only the revision is sent; pages ask for what they may see anyway.
func (tx *Tx) notify(node string, c bridge.Commit) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d %t", node, c.Rev, c.Queued)
	if c.Arriving {
		b.WriteString("+files")
	}
	for _, id := range c.Changed[:min(len(c.Changed), 500)] {
		fmt.Fprintf(&b, " %d", id)
	}
	for _, id := range c.Joined[:min(len(c.Joined), 100)] {
		fmt.Fprintf(&b, " +%d", id)
	}
	if _, err := tx.exec("SELECT pg_notify($1, $2)", topic, b.String()); err != nil {
		return fmt.Errorf("notify nodes: %w", err)
	}
	return nil
}

// parseNotice reads what notify wrote.
func parseNotice(s string) (node string, c bridge.Commit, ok bool) {
	f := strings.Fields(s)
	if len(f) < 3 {
		return "", c, false
	}
	rev, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return "", c, false
	}
	queued, files := strings.CutSuffix(f[2], "+files")
	c.Rev, c.Queued, c.Arriving = rev, queued == "true", files
	for _, s := range f[3:] {
		id, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return "", c, false
		}
		if s[0] == '+' {
			c.Joined = append(c.Joined, bridge.ContactID(id))
			continue
		}
		c.Changed = append(c.Changed, bridge.ConversationID(id))
	}
	return f[0], c, true
}

// listen passes on the commits of other nodes until ctx ends. A lost connection
// is made again every second; pages catch up by revision, so nothing is missed.
func (s *Store) listen(ctx context.Context, url string) {
	for ctx.Err() == nil {
		if err := s.listenOnce(ctx, url); err != nil && ctx.Err() == nil {
			slog.Warn("store notifications interrupted", "err", err)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}
}

func (s *Store) listenOnce(ctx context.Context, url string) error {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	if _, err := c.Exec(ctx, "LISTEN "+topic); err != nil {
		return err
	}
	// What was committed while nobody listened is told at once.
	missed := bridge.Commit{Queued: true, Arriving: true, Missed: true}
	if err := c.QueryRow(ctx, "SELECT n FROM revision").Scan(&missed.Rev); err != nil {
		return err
	}
	s.committed(missed)
	for {
		n, err := c.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if node, commit, ok := parseNotice(n.Payload); ok && node != s.node {
			s.committed(commit)
		}
	}
}
