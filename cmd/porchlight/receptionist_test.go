package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

func TestTheDocumentationHasTheDemosSecret(t *testing.T) {
	text, err := os.ReadFile("../../docs/receptionist.md")
	if err != nil {
		t.Fatal(err)
	}
	if secret := (&demoBot{key: demoKey}).secret().Reveal(); !strings.Contains(string(text), "`"+secret+"`") {
		t.Errorf("docs/receptionist.md does not have %s", secret)
	}
}

func TestTheSummaryShowsNoSecretOfTheReceptionistsAddress(t *testing.T) {
	if s := (ReceptionistConfig{BotURL: "https://bot.example.com/porchlight?key=hidden"}).summary(); s != "texts by https://bot.example.com/porchlight" {
		t.Error(s)
	}
}

func TestWordToTheReceptionistIsNotSentAgainAsAMessage(t *testing.T) {
	path := t.TempDir()
	store, err := data.Open(t.Context(), data.Options{Path: path + "/porchlight.db"})
	if err != nil {
		t.Fatal(err)
	}
	err = store.Write(t.Context(), func(tx *data.Tx) error {
		line, err := tx.PutLine(bridge.Line{Channel: bridge.Webhook, Mailbox: botLine, Active: true})
		if err == nil {
			_, err = tx.AddDelivery(bridge.Delivery{Purpose: bridge.ForBot, Line: line, Channel: bridge.Webhook, To: botLine}, time.Now())
		}
		return err
	})
	if err != nil || store.Close() != nil {
		t.Fatal(err)
	}
	environ := []string{"PORCHLIGHT_STORAGE_PATH=" + path}
	if code, out, _ := say(commands(), environ, "deliveries", "list"); code != exitOK || !strings.Contains(out, " "+botLine+" ") {
		t.Errorf("code %d: %s", code, out)
	}
	if code, _, stderr := say(commands(), environ, "deliveries", "retry", "1"); code != exitFailure || !strings.Contains(stderr, "the AI receptionist") {
		t.Errorf("code %d: %s", code, stderr)
	}
}
