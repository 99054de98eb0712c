package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/sms/smstest"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// A play is something that happens to a handset at the press of a button.
type play struct {
	name, text, hint, done string
	run                    func(s *simulator, ctx context.Context, number string) error
}

func plays() []play {
	return []play{
		{"missed-call", "Call, nobody answers", "The caller leaves a voicemail and is texted back", "Nobody answered: the missed call is in the inbox, with a voicemail", (*simulator).missedCall},
		{"call", "Call, Sam answers", "The phone on duty takes the call", "Sam took the call", (*simulator).answeredCall},
		{"ai-call", "Call, and the AI answers", "A call with the AI receptionist that it hands over", "The call was handed over: look at AI handoff in the inbox", (*simulator).aiCall},
		{"ai-chat", "Text, and the AI answers", "The AI receptionist chats with this handset until somebody takes over in the inbox", "The AI receptionist answers. Take over in the inbox", (*simulator).aiChat},
	}
}

// playChoices are the buttons.
func playChoices() (out []templates.Choice) {
	for _, p := range plays() {
		out = append(out, templates.Choice{Value: p.name, Text: p.text, Hint: p.hint})
	}
	return out
}

func (s *simulator) play(c *gin.Context) error {
	number := c.PostForm("h")
	if _, err := bridge.ParsePhone(number); err != nil {
		return err
	}
	all := plays()
	i := slices.IndexFunc(all, func(p play) bool { return p.name == c.PostForm("play") })
	if i < 0 {
		return &bridge.Invalid{Field: "play", Problem: "Choose one of the buttons"}
	}
	if err := all[i].run(s, c.Request.Context(), number); err != nil {
		slog.Error("play failed", "play", all[i].name, "err", err)
		return &bridge.Invalid{Field: "play", Problem: "Porchlight did not take it: " + err.Error()}
	}
	if web.WantsFragment(c) {
		c.String(http.StatusOK, "%s", all[i].done)
		return nil
	}
	return s.done(c, number)
}

// contactOf finds who has a number, and their conversation; zero for nobody.
func (s *simulator) contactOf(ctx context.Context, number string) (who bridge.Contact, conv bridge.ConversationID, err error) {
	err = s.store.Read(ctx, func(tx *data.Tx) error {
		known, err := tx.Arrival(bridge.Inbound{From: number, To: demoLine, Channel: bridge.SMS})
		if err != nil || known.Contact == 0 {
			return err
		}
		conv = known.Conversation
		who, err = tx.Contact(known.Contact)
		return err
	})
	return who, conv, err
}

// missedCall is a call that rings out.
func (s *simulator) missedCall(ctx context.Context, number string) error {
	_, err := s.sim.Call(ctx, number, demoLine, smstest.Play{Voicemail: 9 * time.Second, Words: "Hi, it is about the tap in the kitchen, it drips all night. Please call me back when you can. Thanks, bye."})
	return err
}

// answeredCall is a call that the phone on duty takes.
func (s *simulator) answeredCall(ctx context.Context, number string) error {
	_, err := s.sim.Call(ctx, number, demoLine, smstest.Play{Others: smstest.PicksUp, Talk: 3*time.Minute + 20*time.Second})
	return err
}

// aiCall is a call with the AI receptionist: what was said comes at once, what it meant
// a moment later, as receptionists tell of calls.
func (s *simulator) aiCall(ctx context.Context, number string) error {
	name := "Ines Carvalho"
	if who, _, err := s.contactOf(ctx, number); err != nil {
		return err
	} else if who.Name != "" {
		name = who.Name
	}
	for _, piece := range callOf(number, demoLine, name, time.Now()) {
		if err := s.bot.handsOver(ctx, s.url, piece); err != nil {
			return fmt.Errorf("the handoff: %w", err)
		}
	}
	return nil
}

// aiChat texts, and gives the conversation to the AI receptionist, which is told of the
// text then.
func (s *simulator) aiChat(ctx context.Context, number string) error {
	_, status, err := s.sim.Text(ctx, number, demoLine, "Hi, my tap is leaking. Could you have a look?")
	if err == nil && status >= 300 {
		err = fmt.Errorf("the text was answered with %d", status)
	}
	if err != nil {
		return err
	}
	_, conv, err := s.contactOf(ctx, number)
	if err != nil {
		return err
	}
	return s.giveToBot(ctx, conv)
}

func (s *simulator) giveToBot(ctx context.Context, conv bridge.ConversationID) error {
	var owner bridge.Staff
	err := s.store.Read(ctx, func(tx *data.Tx) (err error) {
		owner, err = tx.StaffMember(s.owner)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.desk.GiveBack(ctx, owner, conv); err != nil {
		return fmt.Errorf("%s", strings.ToLower(err.Error()))
	}
	return nil
}
