package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/email"
	"porchlight/bridge/email/emailtest"
	"porchlight/templates"
)

// Our double of a mail server agrees with us. These tests ask programs that have
// never heard of us: Postfix, and SpamAssassin.

// needs finds a program. Without it the test skips, or fails where REQUIRE_MAIL says
// that it has to be there.
func needs(t *testing.T, program string) string {
	t.Helper()
	for _, name := range []string{program, "/usr/sbin/" + program} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	without(t, program+" is not installed")
	return ""
}

func without(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("REQUIRE_MAIL") == "1" {
		t.Fatalf("%s, and REQUIRE_MAIL=1", what)
	}
	t.Skipf("NOT TESTED against a real mail program: %s", what)
}

// A postfix is one of our own: loopback, nothing leaves it, one mailbox.
type postfix struct {
	dir, mailbox string
	port         int
	trust        *tls.Config
}

const postfixMaster = `127.0.0.1:%d inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

func startPostfix(t *testing.T) *postfix {
	t.Helper()
	program := needs(t, "postfix")
	if os.Getuid() != 0 {
		without(t, "Postfix starts as root only")
	}
	owner, err := user.Lookup("postfix")
	if err != nil {
		without(t, "there is no user postfix")
	}
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	p := &postfix{}
	// Not t.TempDir: the user postfix has to reach it.
	if p.dir, err = os.MkdirTemp("", "porchlight-postfix-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(p.dir) })
	p.mailbox = filepath.Join(p.dir, "mail", "priya")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chmod(p.dir, 0o755))
	for _, name := range []string{"queue", "data", "mail"} {
		must(os.Mkdir(filepath.Join(p.dir, name), 0o755))
	}
	for _, name := range []string{"data", "mail"} {
		must(os.Chown(filepath.Join(p.dir, name), uid, gid))
	}
	cert, pool, err := emailtest.Certificate()
	must(err)
	p.trust = &tls.Config{RootCAs: pool}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	must(err)
	both := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})...)
	must(os.WriteFile(filepath.Join(p.dir, "tls.pem"), both, 0o600))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	p.port = free.Addr().(*net.TCPAddr).Port
	free.Close()
	must(os.WriteFile(filepath.Join(p.dir, "master.cf"), fmt.Appendf(nil, postfixMaster, p.port), 0o644))
	must(os.WriteFile(filepath.Join(p.dir, "main.cf"), fmt.Appendf(nil, `compatibility_level = 3.6
myhostname = mail.example.com
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
alias_maps =
default_transport = error:nothing leaves this test
relay_transport = error:nothing leaves this test
smtpd_relay_restrictions = reject_unauth_destination
virtual_mailbox_domains = example.com
virtual_mailbox_base = %[1]s/mail
virtual_mailbox_maps = inline:{priya@example.com=priya/}
virtual_uid_maps = static:%[2]d
virtual_gid_maps = static:%[3]d
virtual_minimum_uid = 1
smtpd_tls_chain_files = %[1]s/tls.pem
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
`, p.dir, uid, gid), 0o644))
	var said bytes.Buffer
	cmd := exec.Command(program, "-c", p.dir, "start-fg")
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = 5 * time.Second
	must(cmd.Start())
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		exec.Command(program, "-c", p.dir, "stop").Run()
		cmd.Process.Kill()
		<-ended
		if log, err := os.ReadFile(filepath.Join(p.dir, "log")); t.Failed() && err == nil {
			t.Logf("Postfix said:\n%s\n%s", said.String(), log)
		}
	})
	awaitPort(t, p.port, ended, &said)
	return p
}

// awaitPort waits until somebody listens.
func awaitPort(t *testing.T, port int, ended <-chan struct{}, said *bytes.Buffer) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-tick.C:
		case <-ended:
			t.Fatalf("Postfix ended: %s", said.String())
		case <-limit:
			t.Fatalf("nobody listens: %v", err)
		}
	}
}

func realMailer(t *testing.T, p *postfix) *email.SMTP {
	t.Helper()
	set, err := templates.Parse()
	if err != nil {
		t.Fatal(err)
	}
	cfg := defaultConfig()
	cfg.Email.From, cfg.Email.Host, cfg.Email.Port = demoMailbox, "127.0.0.1", p.port
	s, err := newMailer(cfg, set, p.trust)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestPostfixTakesOurMailsAndItsRefusalsAreUnderstood(t *testing.T) {
	p := startPostfix(t)
	s := realMailer(t, p)
	notice := (&demo{zone: time.UTC}).noticeOf("message", "https://inbox.example.com")
	send := func(to string) bridge.Outcome {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		return s.Send(ctx, bridge.Outgoing{From: demoMailbox, To: to, Notice: notice})
	}
	if out := send("priya@example.com"); out.Kind != bridge.Accepted || !strings.Contains(out.Detail, "queued as") {
		t.Errorf("%+v", out)
	}
	if out := send("nobody@example.com"); out.Kind != bridge.Refused || out.Code != "5.1.1" || !s.Explain(out.Code).BadAddress {
		t.Errorf("a mailbox that there is not: %+v", out)
	}
	if out := send("somebody@elsewhere.example"); out.Kind != bridge.Refused && out.Kind != bridge.Retry {
		t.Errorf("a domain that is not its own: %+v", out)
	}
	if raw := p.delivered(t); !bytes.Contains(raw, []byte("Subject: Boiler replacement (job #1042)")) || !bytes.Contains(raw, []byte("TLSv1.")) {
		t.Errorf("delivered:\n%s", raw)
	}
}

// delivered waits for the mail in the mailbox.
func (p *postfix) delivered(t *testing.T) []byte {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for {
		names, _ := filepath.Glob(filepath.Join(p.mailbox, "new", "*"))
		if len(names) > 0 {
			raw, err := os.ReadFile(names[0])
			if err != nil {
				t.Fatal(err)
			}
			return raw
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("Postfix did not deliver it")
		}
	}
}

var spamScore = regexp.MustCompile(`score=(-?[0-9.]+)`)

// maxSpamScore is far below the 5.0 at which mails are taken for spam.
const maxSpamScore = 1.0

func TestSpamAssassinTakesNoMailOfOursForSpam(t *testing.T) {
	program := needs(t, "spamassassin")
	server := emailtest.New(emailtest.Options{})
	defer server.Close()
	host, port, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	set, err := templates.Parse()
	if err != nil {
		t.Fatal(err)
	}
	cfg := defaultConfig()
	cfg.Email = EmailConfig{From: demoMailbox, Host: host, Port: port, TLS: email.NoTLS}
	s, err := newMailer(cfg, set, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, kind := range []string{"message", "alert", "code"} {
		n := (&demo{zone: time.UTC}).noticeOf(kind, "https://inbox.example.com")
		if kind == "message" {
			n.Unsubscribe = "https://inbox.example.com/u/abc"
		}
		if out := s.Send(t.Context(), bridge.Outgoing{From: demoMailbox, To: "priya@example.com", Notice: n}); out.Kind != bridge.Accepted {
			t.Fatalf("%+v", out)
		}
		cmd := exec.Command(program, "-t", "-L")
		cmd.Stdin = bytes.NewReader(server.Mails()[i].Raw)
		said, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		m := spamScore.FindSubmatch(said)
		if m == nil {
			t.Fatalf("no score:\n%s", said)
		}
		score, _ := strconv.ParseFloat(string(m[1]), 64)
		t.Logf("%s: %.1f", kind, score)
		if score >= maxSpamScore {
			t.Errorf("%s has a score of %.1f:\n%s", kind, score, said)
		}
	}
}
