package email_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/email"
	"porchlight/bridge/email/emailtest"
)

// An office is a carrier and the mail server that it hands its mails to.
type office struct {
	*testing.T
	server  *emailtest.Server
	carrier *email.SMTP
}

const (
	mailbox = "office@example.com"
	priya   = "priya@example.com"
)

// words is the least that a notice can be put into.
func words(n bridge.Notice) (bridge.Letter, error) {
	return bridge.Letter{From: n.Business.Name, Subject: n.Title, Text: "Text: " + n.Title + "\n", HTML: "<p>" + n.Title + "</p>\n"}, nil
}

// opens starts both. The carrier trusts the server's certificate.
func opens(t *testing.T, server emailtest.Options, change ...func(*email.Options)) *office {
	t.Helper()
	cert, trusted, err := emailtest.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	o := email.Options{From: mailbox, Render: words, TLS: &tls.Config{RootCAs: trusted}, Timeout: 10 * time.Second}
	if server.Domain == "plain.example.com" {
		server.TLS = nil
	}
	s := emailtest.New(server)
	t.Cleanup(s.Close)
	if o.Host, o.Port, err = s.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(&o)
	}
	c, err := email.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &office{t, s, c}
}

func notice(change ...func(*bridge.Notice)) *bridge.Notice {
	n := &bridge.Notice{
		Kind: bridge.NoticeMessage, To: "Priya Raman", Title: "Boiler replacement (job #1042)",
		Business: bridge.Sender{Name: "Sam at Brightwater"}, ID: "m7.d9@example.com", Root: "c3@example.com", ListID: "c3.example.com",
		Unsubscribe: "https://inbox.example.com/u/abc",
	}
	for _, f := range change {
		f(n)
	}
	return n
}

func (o *office) sends(change ...func(*bridge.Notice)) bridge.Outcome {
	return o.carrier.Send(o.Context(), bridge.Outgoing{Delivery: 9, From: mailbox, To: priya, Notice: notice(change...)})
}

// got is the only mail that the server has.
func (o *office) got() emailtest.Letter {
	o.Helper()
	mails := o.server.Mails()
	if len(mails) != 1 {
		o.Fatalf("%d mails arrived", len(mails))
	}
	l, err := mails[0].Read()
	if err != nil {
		o.Fatal(err)
	}
	return l
}

func TestMailSaysWhoWroteAndWhichConversationItBelongsTo(t *testing.T) {
	o := opens(t, emailtest.Options{})
	if out := o.sends(); out.Kind != bridge.Accepted || !out.Final || out.CarrierID != "" {
		t.Fatalf("%+v", out)
	}
	m := o.server.Mails()[0]
	if m.From != mailbox || m.To != priya {
		t.Errorf("envelope from %s to %s", m.From, m.To)
	}
	l := o.got()
	for key, want := range map[string]string{
		"From":                     `"Sam at Brightwater" <office@example.com>`,
		"To":                       `"Priya Raman" <priya@example.com>`,
		"Subject":                  "Boiler replacement (job #1042)",
		"Message-Id":               "<m7.d9@example.com>",
		"In-Reply-To":              "<c3@example.com>",
		"References":               "<c3@example.com>",
		"List-Id":                  "<c3.example.com>",
		"List-Unsubscribe":         "<https://inbox.example.com/u/abc>",
		"List-Unsubscribe-Post":    "List-Unsubscribe=One-Click",
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "All",
		"User-Agent":               "",
		"X-Mailer":                 "",
		"Mime-Version":             "1.0",
	} {
		if got := l.Header.Get(key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	if _, err := l.Header.Date(); err != nil {
		t.Errorf("date: %v", err)
	}
	if l.Text != "Text: Boiler replacement (job #1042)\n" || l.HTML != "<p>Boiler replacement (job #1042)</p>\n" {
		t.Errorf("text %q, html %q", l.Text, l.HTML)
	}
	if !strings.HasPrefix(l.Header.Get("Content-Type"), "multipart/alternative") {
		t.Errorf("it is %s", l.Header.Get("Content-Type"))
	}
}

func TestFirstMailOfAConversationRefersToNothing(t *testing.T) {
	o := opens(t, emailtest.Options{})
	o.sends(func(n *bridge.Notice) { n.ID, n.Unsubscribe, n.ListID = n.Root, "", "" })
	h := o.got().Header
	if h.Get("Message-Id") != "<c3@example.com>" {
		t.Errorf("Message-ID %q", h.Get("Message-Id"))
	}
	for _, key := range []string{"In-Reply-To", "References", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id"} {
		if h.Get(key) != "" {
			t.Errorf("%s: %s", key, h.Get(key))
		}
	}
}

func TestMessageIDIsTheSameAtEveryAttempt(t *testing.T) {
	o := opens(t, emailtest.Options{})
	for range 2 {
		o.sends(func(n *bridge.Notice) { n.ID = "" })
	}
	mails := o.server.Mails()
	first, _ := mails[0].Read()
	second, _ := mails[1].Read()
	if id := first.Header.Get("Message-Id"); id == "" || id != second.Header.Get("Message-Id") {
		t.Errorf("%q and %q", id, second.Header.Get("Message-Id"))
	}
}

func TestNamesAndSubjectsCannotAddHeaders(t *testing.T) {
	const evil = "Boiler\r\nBcc: victim@example.com\r\n\r\nHello\x00"
	o := opens(t, emailtest.Options{})
	out := o.sends(func(n *bridge.Notice) {
		n.Title, n.To, n.Business.Name = evil, evil, evil
		n.ID, n.Root, n.ListID = "a@example.com>\r\nBcc: victim@example.com", "b\r\nX-Evil: 1", "c>\nX-Evil: 1"
		n.Unsubscribe = "https://example.com/\r\nBcc: victim@example.com"
	})
	if out.Kind != bridge.Accepted {
		t.Fatalf("%+v", out)
	}
	l := o.got()
	if l.Header.Get("Bcc") != "" || l.Header.Get("X-Evil") != "" {
		t.Errorf("headers were added: %v", l.Header)
	}
	if want := "Boiler Bcc: victim@example.com Hello"; l.Subject != want {
		t.Errorf("subject %q, want %q", l.Subject, want)
	}
	if head, _, _ := bytes.Cut(o.server.Mails()[0].Raw, []byte("\r\n\r\n")); bytes.Contains(head, []byte("\nBcc")) {
		t.Errorf("%s", head)
	}
}

func TestNamesOfAllAlphabetsArrive(t *testing.T) {
	o := opens(t, emailtest.Options{})
	o.sends(func(n *bridge.Notice) {
		n.To, n.Business.Name, n.Title = `Zoë "Z" O'Brien, Jr.`, "José y Cía · 株式会社", "Ünïcode – "+strings.Repeat("größer ", 40)
	})
	l := o.got()
	if !strings.Contains(l.From, "José y Cía · 株式会社") || !strings.Contains(l.To, "Zoë") || !strings.HasPrefix(l.Subject, "Ünïcode – größer größer") {
		t.Errorf("from %q, to %q, subject %q", l.From, l.To, l.Subject)
	}
	for line := range bytes.SplitSeq(o.server.Mails()[0].Raw, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsFunc(line, func(r rune) bool { return r > 0x7e }) {
			t.Errorf("a line of %d bytes, or not ASCII: %q", len(line), line)
		}
	}
}

func TestAddressesThatAreNoneAreRefusedWithoutCallingTheServer(t *testing.T) {
	o := opens(t, emailtest.Options{})
	for _, to := range []string{"", "priya", "priya@", "Priya <priya@example.com>", "priya@example.com\r\nRCPT TO:<x@example.com>", "a@example.com, b@example.com", "priya @example.com"} {
		out := o.carrier.Send(t.Context(), bridge.Outgoing{To: to, Notice: notice()})
		if out.Kind != bridge.Refused || !o.carrier.Explain(out.Code).BadAddress {
			t.Errorf("%q: %+v", to, out)
		}
	}
	if n := o.server.Connections(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

func TestAMailWithNothingToSayIsRefused(t *testing.T) {
	o := opens(t, emailtest.Options{}, func(o *email.Options) {
		o.Render = func(bridge.Notice) (bridge.Letter, error) { return bridge.Letter{}, errors.New("no words") }
	})
	for _, n := range []*bridge.Notice{nil, notice()} {
		out := o.carrier.Send(t.Context(), bridge.Outgoing{To: priya, Notice: n})
		if out.Kind != bridge.Refused || o.carrier.Explain(out.Code).Class != bridge.OurSide {
			t.Errorf("%+v", out)
		}
	}
}

func TestServersAnswerDecidesWhatBecomesOfTheMail(t *testing.T) {
	never := make(chan struct{})
	for _, c := range []struct {
		name  string
		fault emailtest.Fault
		kind  bridge.OutcomeKind
		code  string
		kept  int
	}{
		{"no such mailbox", emailtest.Fault{At: emailtest.AtRcpt, Code: 550, Enhanced: [3]int{5, 1, 1}}, bridge.Refused, "5.1.1", 0},
		{"no enhanced status", emailtest.Fault{At: emailtest.AtRcpt, Code: 550}, bridge.Refused, "550", 0},
		{"a status that contradicts the reply", emailtest.Fault{At: emailtest.AtRcpt, Code: 550, Enhanced: [3]int{4, 2, 1}}, bridge.Refused, "550", 0},
		{"greylisting", emailtest.Fault{At: emailtest.AtRcpt, Code: 451, Enhanced: [3]int{4, 7, 1}}, bridge.Retry, "4.7.1", 0},
		{"sender not wanted", emailtest.Fault{At: emailtest.AtMail, Code: 550, Enhanced: [3]int{5, 7, 1}}, bridge.Refused, "5.7.1", 0},
		{"no room", emailtest.Fault{At: emailtest.AtMail, Code: 452, Enhanced: [3]int{4, 3, 1}}, bridge.Retry, "4.3.1", 0},
		{"a login is asked for", emailtest.Fault{At: emailtest.AtMail, Code: 530, Enhanced: [3]int{5, 7, 0}}, bridge.Retry, email.CodeAuth, 0},
		{"content refused", emailtest.Fault{At: emailtest.AtDot, Code: 554, Enhanced: [3]int{5, 6, 0}}, bridge.Refused, "5.6.0", 0},
		{"content put off", emailtest.Fault{At: emailtest.AtDot, Code: 451, Enhanced: [3]int{4, 3, 0}}, bridge.Retry, "4.3.0", 0},
		{"hung up at the recipient", emailtest.Fault{At: emailtest.AtRcpt, Drop: true}, bridge.Retry, email.CodeConnect, 0},
		{"hung up in the middle of the mail", emailtest.Fault{At: emailtest.MidData}, bridge.Retry, email.CodeConnect, 0},
		{"hung up after the mail", emailtest.Fault{At: emailtest.AfterDot}, bridge.Lost, email.CodeLost, 1},
		{"silent at the recipient", emailtest.Fault{At: emailtest.AtRcpt, Hold: never}, bridge.Retry, email.CodeConnect, 0},
		{"silent after the mail", emailtest.Fault{At: emailtest.AfterDot, Hold: never}, bridge.Lost, email.CodeLost, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := opens(t, emailtest.Options{})
			ctx, giveUp := context.WithCancel(t.Context())
			defer giveUp()
			if c.fault.Hold != nil {
				c.fault.Reached = giveUp // as if the time were over
			}
			c.fault.Text = "no <priya@example.com>, never"
			o.server.Script(c.fault)
			// Longer than the buffers, so that a dead line is met in the middle.
			long := notice(func(n *bridge.Notice) { n.Title = strings.Repeat("boiler ", 1<<17) })
			out := o.carrier.Send(ctx, bridge.Outgoing{From: mailbox, To: priya, Notice: long})
			if out.Kind != c.kind || out.Code != c.code || out.Final {
				t.Errorf("%+v", out)
			}
			if strings.Contains(out.Detail, priya) || out.Detail == "" {
				t.Errorf("detail: %s", out.Detail)
			}
			if n := len(o.server.Mails()); n != c.kept {
				t.Errorf("%d mails were kept", n)
			}
			if o.sends().Kind != bridge.Accepted {
				t.Error("the next mail did not leave")
			}
		})
	}
}

func TestCutOffMailIsNotEndedPolitely(t *testing.T) {
	o := opens(t, emailtest.Options{})
	ctx, giveUp := context.WithCancel(t.Context())
	sent := make(chan struct{}) // an answer before that could be faster than the end of the connection
	o.server.Script(emailtest.Fault{At: emailtest.AtRcpt, Reached: giveUp, Hold: sent})
	if out := o.carrier.Send(ctx, bridge.Outgoing{To: priya, Notice: notice()}); out.Kind != bridge.Retry {
		t.Errorf("%+v", out)
	}
	close(sent)
	o.carrier.Close()
	if n := len(o.server.Mails()); n != 0 {
		t.Errorf("%d mails arrived", n)
	}
}

func TestTroubleBeforeTheMailIsTriedAgain(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := dead.Addr().(*net.TCPAddr).Port
	dead.Close()
	for _, c := range []struct {
		name   string
		server emailtest.Options
		change func(*email.Options)
		code   string
	}{
		{"nobody listens", emailtest.Options{}, func(o *email.Options) { o.Port = port }, email.CodeConnect},
		{"no such host", emailtest.Options{}, func(o *email.Options) { o.Host = "mail.invalid" }, email.CodeConnect},
		{"no STARTTLS", emailtest.Options{Domain: "plain.example.com"}, func(*email.Options) {}, email.CodeTLS},
		{"a stranger's certificate", emailtest.Options{}, func(o *email.Options) { o.TLS = nil }, email.CodeTLS},
		{"a stranger's certificate at once", emailtest.Options{Implicit: true}, func(o *email.Options) { o.TLS, o.Security = nil, email.ImplicitTLS }, email.CodeTLS},
		{"a wrong password", emailtest.Options{Username: "office", Password: "right"}, func(o *email.Options) { o.Username, o.Password = "office", "wrong" }, email.CodeAuth},
		{"no login wanted", emailtest.Options{}, func(o *email.Options) { o.Username, o.Password = "office", "right" }, email.CodeAuth},
		{"no login given", emailtest.Options{Username: "office", Password: "right"}, func(*email.Options) {}, email.CodeAuth},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := opens(t, c.server, c.change)
			out := o.sends()
			if out.Kind != bridge.Retry || out.Code != c.code || strings.Contains(out.Detail, "wrong") {
				t.Errorf("%+v", out)
			}
			if c.code != email.CodeConnect && out.RetryAfter < time.Minute {
				t.Errorf("it is tried again after %v, before anybody can mend it", out.RetryAfter)
			}
		})
	}
}

func TestEachKindOfConnectionCarriesAMail(t *testing.T) {
	login := func(o *email.Options) { o.Username, o.Password = "office", "s3cret!" }
	for _, c := range []struct {
		name   string
		server emailtest.Options
		change []func(*email.Options)
	}{
		{"STARTTLS with a login", emailtest.Options{Username: "office", Password: "s3cret!"}, []func(*email.Options){login}},
		{"implicit TLS with a login", emailtest.Options{Implicit: true, Username: "office", Password: "s3cret!"}, []func(*email.Options){login, func(o *email.Options) { o.Security = email.ImplicitTLS }}},
		{"opportunistic, offered", emailtest.Options{}, []func(*email.Options){func(o *email.Options) { o.Security = email.Opportunistic }}},
		{"opportunistic, not offered", emailtest.Options{Domain: "plain.example.com"}, []func(*email.Options){func(o *email.Options) { o.Security = email.Opportunistic }}},
		{"none", emailtest.Options{Domain: "plain.example.com"}, []func(*email.Options){func(o *email.Options) { o.Security = email.NoTLS }}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := opens(t, c.server, c.change...)
			if out := o.sends(); out.Kind != bridge.Accepted {
				t.Fatalf("%+v", out)
			}
			o.got()
		})
	}
}

func TestOneConnectionCarriesManyMailsAlsoAfterARefusal(t *testing.T) {
	o := opens(t, emailtest.Options{})
	o.server.Script(emailtest.Fault{At: emailtest.AtRcpt, Code: 550, Enhanced: [3]int{5, 1, 1}})
	for range 5 {
		o.sends()
	}
	if n, mails := o.server.Connections(), len(o.server.Mails()); n != 1 || mails != 4 {
		t.Errorf("%d connections, %d mails", n, mails)
	}
}

func TestConnectionThatTheServerEndedIsReplacedUnnoticed(t *testing.T) {
	o := opens(t, emailtest.Options{})
	o.sends()
	o.server.HangUp()
	if out := o.sends(); out.Kind != bridge.Accepted {
		t.Errorf("after a hang-up: %+v", out)
	}
	o.server.Script(emailtest.Fault{At: emailtest.AtMail, Code: 421, Enhanced: [3]int{4, 4, 2}})
	if out := o.sends(); out.Kind != bridge.Accepted {
		t.Errorf("after a goodbye: %+v", out)
	}
	if n, mails := o.server.Connections(), len(o.server.Mails()); n != 3 || mails != 3 {
		t.Errorf("%d connections, %d mails", n, mails)
	}
}

func TestManyMailsAtOnceShareFewConnections(t *testing.T) {
	o := opens(t, emailtest.Options{})
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if out := o.sends(); out.Kind != bridge.Accepted {
				t.Errorf("%+v", out)
			}
		})
	}
	all.Wait()
	if n, mails := o.server.Connections(), len(o.server.Mails()); n > 3 || mails != 40 {
		t.Errorf("%d connections, %d mails", n, mails)
	}
}

func TestMailThatFindsNoFreeConnectionWaitsForItsNextTry(t *testing.T) {
	o := opens(t, emailtest.Options{})
	release := make(chan struct{})
	var held, reached sync.WaitGroup
	reached.Add(3)
	hold := emailtest.Fault{At: emailtest.AtRcpt, Hold: release, Reached: reached.Done}
	o.server.Script(hold, hold, hold)
	for range 3 {
		held.Go(func() { o.sends() })
	}
	reached.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	out := o.carrier.Send(ctx, bridge.Outgoing{To: priya, Notice: notice()})
	if out.Kind != bridge.Retry || out.Code != email.CodeBusy {
		t.Errorf("%+v", out)
	}
	close(release)
	held.Wait()
}

func TestNobodyCanBeAskedWhatBecameOfAMail(t *testing.T) {
	o := opens(t, emailtest.Options{})
	if _, err := o.carrier.Find(t.Context(), bridge.Outgoing{}, time.Now()); !errors.Is(err, bridge.ErrNoList) {
		t.Error(err)
	}
	if _, err := o.carrier.Status(t.Context(), "x"); !errors.Is(err, bridge.ErrNoList) {
		t.Error(err)
	}
	if _, ok := o.carrier.ReadStatus("delivered"); ok {
		t.Error("a word moved a mail")
	}
}

func TestOptionsAreCheckedBeforeAnythingIsSent(t *testing.T) {
	for field, change := range map[string]func(*email.Options){
		"host":          func(o *email.Options) { o.Host = "https://smtp.example.com" },
		"port":          func(o *email.Options) { o.Port = 70000 },
		"from":          func(o *email.Options) { o.From = "Office <office@example.com>" },
		"tls":           func(o *email.Options) { o.Security = "ssl" },
		"render":        func(o *email.Options) { o.Render = nil },
		"dkim_domain":   func(o *email.Options) { o.DKIM = &email.DKIM{Selector: "s", Key: "k"} },
		"dkim_selector": func(o *email.Options) { o.DKIM = &email.DKIM{Domain: "example.com", Selector: "a b"} },
		"dkim_key":      func(o *email.Options) { o.DKIM = &email.DKIM{Domain: "example.com", Selector: "s", Key: "secret"} },
	} {
		o := email.Options{Host: "smtp.example.com", From: mailbox, Render: words}
		change(&o)
		_, err := email.New(o)
		var invalid *bridge.Invalid
		if !errors.As(err, &invalid) || invalid.Field != field || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", field, err)
		}
	}
}
