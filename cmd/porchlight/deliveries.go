package main

import (
	"context"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

func listDeliveries(ctx context.Context, e env) error {
	flags := e.flags()
	file := configFlag(flags)
	state := flags.String("state", "", "only deliveries in this `STATE`, such as failed or unknown")
	limit := flags.Int("limit", 50, "at most this many, the newest first")
	if _, err := e.parse(flags, 0, 0); err != nil {
		return err
	}
	if known := bridge.DeliveryState(*state); *state != "" && !validState(known) {
		return &usageError{fmt.Sprintf("there is no state %q; choose one of %v", *state, bridge.DeliveryStates)}
	}
	return onStore(ctx, e, *file, func(s *data.Store) error {
		var ds []bridge.Delivery
		err := s.Read(ctx, func(tx *data.Tx) (err error) {
			ds, err = tx.Deliveries(bridge.DeliveryState(*state), max(1, *limit))
			return err
		})
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(e.stdout, 0, 0, 3, ' ', 0)
		fmt.Fprintln(w, "ID\tQUEUED\tTO\tSTATE\tTRIES\tCODE\tCARRIER ID")
		for _, d := range ds {
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d\t%s\t%s\n", d.ID, d.CreatedAt.Format("2006-01-02 15:04:05"), d.Whom(), d.State, d.Attempts, d.Code, d.CarrierID)
		}
		return w.Flush()
	})
}

func validState(s bridge.DeliveryState) bool {
	for _, k := range bridge.DeliveryStates {
		if s == k {
			return true
		}
	}
	return false
}

// retryDelivery queues a failed delivery once more; a running server sends it.
func retryDelivery(ctx context.Context, e env) error {
	return withStore(ctx, e, 1, 1, func(s *data.Store, words []string) error {
		n, err := strconv.ParseInt(words[0], 10, 64)
		if err != nil {
			return &usageError{fmt.Sprintf("%q is not the number of a delivery; see: porchlight deliveries list", words[0])}
		}
		return s.Write(ctx, func(tx *data.Tx) error {
			d, err := tx.Delivery(bridge.DeliveryID(n))
			switch {
			case err != nil:
				return fmt.Errorf("delivery %d: %w", n, err)
			case d.Purpose == bridge.ForBot:
				return fmt.Errorf("delivery %d told the AI receptionist of a message, and people have the conversation now; give it back in the inbox instead", n)
			case d.Purpose == bridge.ForRelay:
				return fmt.Errorf("delivery %d told a phone on duty what became of a text of its own, and that is over", n)
			case !d.State.CanRetry():
				return fmt.Errorf("delivery %d is %s; only one that failed, or is unknown, can be sent again", n, d.State)
			case d.Handled:
				return fmt.Errorf("delivery %d has been dealt with already", n)
			}
			if out, err := tx.OptedOut(d.Channel, d.To); err != nil || out {
				if out {
					err = fmt.Errorf("%s texted STOP; texts to it are blocked", bridge.MaskAddress(d.To))
				}
				return err
			}
			line, err := tx.SendingLine(d.Line) // its own may have been given up
			if d.Channel == bridge.Email {
				line, err = tx.Mailbox()
			}
			if err != nil {
				return fmt.Errorf("find a line: %w", err)
			}
			if err := tx.SetHandled(d); err != nil {
				return err
			}
			again, err := tx.AddDelivery(bridge.Delivery{
				Purpose: d.Purpose, Message: d.Message, Conversation: d.Conversation, Contact: d.Contact, Staff: d.Staff, Line: line.ID, Channel: d.Channel,
				To: d.To, Body: d.Body, Media: d.Media, Segments: d.Segments, Hold: d.Hold,
			}, time.Now())
			if err == nil && d.Channel == bridge.Email {
				err = tx.CarryOn(d.ID, again)
			}
			if err == nil {
				fmt.Fprintf(e.stdout, "Delivery %d is queued as delivery %d. A running server sends it within a minute.\n", n, again.ID)
			}
			return err
		})
	})
}
