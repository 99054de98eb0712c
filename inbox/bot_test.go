package inbox_test

import (
	"bytes"
	"encoding/base64"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/data/datatest"
)

// The receptionist of docs/bot, as people start it.

const botSource = "../docs/bot/main.go"

func TestTheSmallestReceptionistStaysUnderSixtyLines(t *testing.T) {
	if n := bytes.Count(must(os.ReadFile(botSource)), []byte("\n")); n >= 60 {
		t.Errorf("%s has %d lines", botSource, n)
	}
}

// startBot builds and starts it, and gives the address where it is told.
func startBot(t *testing.T, secret string) string {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "bot")
	if out, err := exec.Command("go", "build", "-o", program, botSource).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := exec.Command(program)
	c.Env = append(os.Environ(), "BOT_SECRET="+secret, "LISTEN="+address)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return "http://" + address + "/"
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

var botSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(botKey))

func TestTheSmallestReceptionistAsksThenHandsOverAndIsSilentAfterATakeover(t *testing.T) {
	address := startBot(t, botSecret)
	if res := must(http.Post(address, "application/json", strings.NewReader(`{"data":{"message":{"body":"x"},"reply_url":"`+address+`"}}`))); res.Body.Close() != nil || res.StatusCode != 401 {
		t.Errorf("what nobody signed: %d", res.StatusCode)
	}
	datatest.EachOptions(t, func(t *testing.T, o data.Options) {
		d := newDesk(t, o, deskPlan{botURL: address})
		says := func(conv bridge.ConversationID, n int) string {
			d.Helper()
			d.until("the receptionist has answered", func() bool { return len(by(bridge.ByAI, d.said(conv))) >= n })
			ms := by(bridge.ByAI, d.said(conv))
			return ms[len(ms)-1].Body
		}
		conv, _ := d.texts(anasPhone, "Hello")
		if got := says(conv, 1); got != introducing+"What is the matter?" {
			t.Errorf("%q", got)
		}
		d.texts(anasPhone, "My tap leaks")
		if got := says(conv, 2); got != "Where is it?" {
			t.Errorf("%q", got)
		}
		d.texts(anasPhone, "In the kitchen")
		d.handedOver(conv, 1, bridge.HoldHanded)
		if card := d.card(conv); !strings.Contains(card.Summary, "In the kitchen") {
			t.Errorf("%+v", card)
		}

		other, _ := d.texts(tomsPhone, "Can I talk to a PERSON please")
		d.handedOver(other, 2, bridge.HoldHanded)
		if len(by(bridge.ByAI, d.said(other))) != 0 {
			t.Error("it talks on to somebody who wants a person")
		}

		third, _ := d.texts(priyaPhone, "Hello")
		says(third, 1)
		d.until("its first text arrived", func() bool { return len(d.handset(priyaPhone)) == 1 })
		d.stalled(third, "The boiler is cold", func() { d.takesOver(third) })
		if got := d.handset(priyaPhone); len(by(bridge.ByAI, d.said(third))) != 1 || len(got) != 1 {
			t.Errorf("after the takeover: %q", got)
		}
		if row := d.row(third); row.Failed != 0 || row.Hold != 0 || row.AIHandoff {
			t.Errorf("%+v", row)
		}
	})
}

// stalled lets somebody write, and something happen after the receptionist was told of
// it and before its answer is stored; then it waits until its answer was refused.
func (d *desk) stalled(conv bridge.ConversationID, body string, meanwhile func()) {
	d.Helper()
	at, told := make(chan struct{}), make(chan struct{})
	door := func() {
		close(at)
		<-told
	}
	d.door.Store(&door)
	d.texts(priyaPhone, body)
	select {
	case <-at:
	case <-time.After(20 * time.Second):
		d.Fatal("the receptionist does not answer")
	}
	meanwhile()
	close(told)
	d.until("it was told that a person has it", func() bool {
		return d.toldOf(conv)[0].State == bridge.Sent
	})
}
