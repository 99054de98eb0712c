package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
)

// withStore opens the store of the configuration for one command.
func withStore(ctx context.Context, e env, least, most int, fn func(s *data.Store, words []string) error) error {
	flags := e.flags()
	file := configFlag(flags)
	words, err := e.parse(flags, least, most)
	if err != nil {
		return err
	}
	return onStore(ctx, e, *file, func(s *data.Store) error { return fn(s, words) })
}

func onStore(ctx context.Context, e env, file string, fn func(s *data.Store) error) error {
	cfg, problems := LoadConfig(findConfig(file, e.environ), e.environ)
	if err := problems.Err(); err != nil {
		return err
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(fn(s), s.Close())
}

func addStaff(ctx context.Context, e env) error {
	flags := e.flags()
	file := configFlag(flags)
	role := flags.String("role", "", "`ROLE`: owner, admin, finance, sole_trader, supervisor, tradie or apprentice (default: owner for the first, admin for others)")
	words, err := e.parse(flags, 2, 2)
	if err != nil {
		return err
	}
	return onStore(ctx, e, *file, func(s *data.Store) error {
		if *role == "" {
			var team []bridge.Staff
			if err := s.Read(ctx, func(tx *data.Tx) (err error) { team, err = tx.Staff(); return err }); err != nil {
				return err
			}
			if *role = string(bridge.Admin); len(team) == 0 {
				*role = string(bridge.Owner)
			}
		}
		password, made, err := askPassword(e)
		if err != nil {
			return err
		}
		p, hash, err := web.NewStaff(words[0], words[1], *role, password)
		if err != nil {
			return err
		}
		err = s.Write(ctx, func(tx *data.Tx) error { p, err = tx.AddStaff(p, hash, time.Now()); return err })
		if errors.Is(err, bridge.ErrDuplicate) {
			return fmt.Errorf("somebody in the team has the email %s already", p.Email)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%s (%s) can sign in with %s.\n", p.Name, p.Role.Title(), p.Email)
		tellPassword(e, made, password)
		return nil
	})
}

func setPassword(ctx context.Context, e env) error {
	return withStore(ctx, e, 1, 1, func(s *data.Store, words []string) error {
		p, err := findStaff(ctx, s, words[0])
		if err != nil {
			return err
		}
		password, made, err := askPassword(e)
		if err != nil {
			return err
		}
		hash, err := web.HashPassword(password)
		if err != nil {
			return err
		}
		if err := s.Write(ctx, func(tx *data.Tx) error { return tx.SetPassword(p.ID, hash) }); err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%s has a new password and is signed out everywhere.\n", p.Name)
		tellPassword(e, made, password)
		return nil
	})
}

func tellPassword(e env, made bool, password string) {
	if made {
		fmt.Fprintf(e.stdout, "Password: %s\n", password)
	}
}

// askPassword reads a password from the terminal, or the first line of what is
// piped in. Without either it makes one.
func askPassword(e env) (password string, made bool, err error) {
	if f, ok := e.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(e.stderr, "Password (empty makes one): ")
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(e.stderr)
		if err != nil {
			return "", false, fmt.Errorf("read the password: %w", err)
		}
		password = string(b)
	} else if e.stdin != nil {
		line, _ := bufio.NewReader(e.stdin).ReadString('\n') // an early end is an empty password
		password = strings.TrimRight(line, "\r\n")
	}
	if password == "" {
		return strings.ToLower(rand.Text()[:16]), true, nil
	}
	return password, false, nil
}

// findStaff finds one of the team by email, or by a name that only one has.
func findStaff(ctx context.Context, s *data.Store, who string) (found bridge.Staff, err error) {
	var team []bridge.Staff
	if err := s.Read(ctx, func(tx *data.Tx) (err error) { team, err = tx.Staff(); return err }); err != nil {
		return found, err
	}
	n := 0
	for _, p := range team {
		if strings.EqualFold(p.Email, who) {
			return p, nil
		}
		if strings.EqualFold(p.Name, who) {
			found, n = p, n+1
		}
	}
	switch n {
	case 1:
		return found, nil
	case 0:
		return found, fmt.Errorf("nobody in the team is called %s; see: porchlight staff list", who)
	}
	return found, fmt.Errorf("%d people are called %s; give the email", n, who)
}

func listStaff(ctx context.Context, e env) error {
	return withStore(ctx, e, 0, 0, func(s *data.Store, _ []string) error {
		var team []bridge.Staff
		if err := s.Read(ctx, func(tx *data.Tx) (err error) { team, err = tx.Staff(); return err }); err != nil {
			return err
		}
		if len(team) == 0 {
			fmt.Fprintln(e.stdout, "Nobody yet. Add the owner: porchlight staff add NAME EMAIL")
			return nil
		}
		w := tabwriter.NewWriter(e.stdout, 0, 0, 3, ' ', 0)
		fmt.Fprintln(w, "NAME\tEMAIL\tROLE\tSINCE")
		for _, p := range team {
			role := string(p.Role)
			if !p.Active {
				role += " (switched off)"
			} else if p.Invited {
				role += " (invited)"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Name, p.Email, role, p.CreatedAt.Format("2006-01-02"))
		}
		return w.Flush()
	})
}

func switchOff(ctx context.Context, e env) error { return switchStaff(ctx, e, false) }
func switchOn(ctx context.Context, e env) error  { return switchStaff(ctx, e, true) }

// switchStaff goes through the same door as the page, as whoever runs the machine.
func switchStaff(ctx context.Context, e env, on bool) error {
	return withStore(ctx, e, 1, 1, func(s *data.Store, words []string) error {
		p, err := findStaff(ctx, s, words[0])
		if err != nil {
			return err
		}
		if err := door(s).SwitchStaff(ctx, bridge.System, p.ID, on); err != nil {
			return told(err)
		}
		if on {
			fmt.Fprintf(e.stdout, "%s can sign in again with %s.\n", p.Name, p.Email)
			return nil
		}
		fmt.Fprintf(e.stdout, "%s is switched off and signed out everywhere. What was assigned to them is nobody's.\n", p.Name)
		return nil
	})
}

// door is the door in for a command that only changes the team.
func door(s *data.Store) *intake.Intake { return intake.New(intake.Options{Store: s, Now: time.Now}) }

// told is a refusal with what to do about it.
func told(err error) error {
	if denied := new(bridge.Denied); errors.As(err, &denied) && denied.Fix != "" {
		return fmt.Errorf("%s; %s", denied.Sentence, strings.ToLower(denied.Fix[:1])+denied.Fix[1:])
	}
	return err
}

func makeKey(ctx context.Context, e env) error {
	flags := e.flags()
	file := configFlag(flags)
	revoke := flags.Bool("revoke", false, "revoke all API keys of this person instead")
	words, err := e.parse(flags, 1, 1)
	if err != nil {
		return err
	}
	return onStore(ctx, e, *file, func(s *data.Store) error {
		p, err := findStaff(ctx, s, words[0])
		if err != nil {
			return err
		}
		if *revoke {
			return revokeKeys(ctx, e, s, p)
		}
		secret, hash := bridge.NewSecret()
		if err := s.Write(ctx, func(tx *data.Tx) error { return tx.AddKey(p.ID, hash, time.Now()) }); err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%s\n", secret)
		fmt.Fprintf(e.stderr, "This key acts as %s. It is shown only now.\n", p.Name)
		return nil
	})
}

func revokeKeys(ctx context.Context, e env, s *data.Store, p bridge.Staff) error {
	var keys []bridge.APIKey
	if err := s.Read(ctx, func(tx *data.Tx) (err error) { keys, err = tx.Keys(); return err }); err != nil {
		return err
	}
	n := 0
	for _, k := range keys {
		if k.Staff != p.ID {
			continue
		}
		if err := door(s).EndKey(ctx, bridge.System, k.ID); err != nil {
			return err
		}
		n++
	}
	fmt.Fprintf(e.stdout, "Keys of %s revoked: %d\n", p.Name, n)
	return nil
}
