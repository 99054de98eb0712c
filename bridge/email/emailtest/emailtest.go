// Package emailtest is a mail server for tests and for the demo. It speaks SMTP,
// keeps what it takes, delivers nothing, and can be told to go wrong.
package emailtest

import (
	"cmp"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Options say what kind of server it is.
type Options struct {
	Domain string // it greets with; empty is mail.example.com
	// TLS has the certificate; nil offers no STARTTLS. See Certificate.
	TLS *tls.Config
	// Implicit encrypts from the first byte.
	Implicit bool
	// Username and Password are asked for if set, on encrypted connections only.
	Username, Password string
	// Refuse are recipients whose mails are never taken, with the answer.
	Refuse map[string]Fault
	// Keep is how many mails are kept, the newest; 0 keeps all.
	Keep int
}

// A Stage is a moment of a mail's way at which something can go wrong.
type Stage int

const (
	AtMail   Stage = iota // the answer to MAIL FROM
	AtRcpt                // the answer to RCPT TO
	AtDot                 // the answer to the mail's end; it is not kept
	MidData               // while the mail is arriving: the line goes dead
	AfterDot              // the mail is kept, and the line goes dead before the answer
)

// A Fault is one thing that goes wrong once.
type Fault struct {
	At       Stage
	Code     int    // such as 550; 0 with Drop
	Enhanced [3]int // such as 5.1.1; zero: none is given
	Text     string
	Drop     bool // the line goes dead in place of an answer
	// Hold delays the answer until it is closed, or the server is.
	Hold <-chan struct{}
	// Reached is called when it strikes, before anything is held. May be nil.
	Reached func()
}

// Server is a mail server. Its zero value is of no use; see New.
type Server struct {
	opts Options
	smtp *smtp.Server

	mu          sync.Mutex
	closed      bool
	gone        chan struct{} // closed by Close
	listener    net.Listener
	served      chan struct{}
	mails       []Mail
	last        int
	connections int
	open        map[net.Conn]bool
	faults      []Fault
	subscribers map[chan struct{}]bool
}

// New makes a Server that listens nowhere yet.
func New(o Options) *Server {
	s := &Server{opts: o, gone: make(chan struct{}), open: map[net.Conn]bool{}, subscribers: map[chan struct{}]bool{}}
	s.smtp = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c}, nil
	}))
	s.smtp.Domain = cmp.Or(o.Domain, "mail.example.com")
	s.smtp.TLSConfig, s.smtp.EnableSMTPUTF8, s.smtp.MaxMessageBytes = o.TLS, true, 25<<20
	s.smtp.ReadTimeout, s.smtp.WriteTimeout = time.Minute, 10*time.Second
	s.smtp.ErrorLog = log.New(io.Discard, "", 0) // lines that went dead on purpose
	return s
}

// Start listens on the loopback interface and gives host and port.
func (s *Server) Start() (host string, port int, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.served != nil {
		l.Close()
		return "", 0, errors.New("emailtest: started or closed before")
	}
	at := l.Addr().(*net.TCPAddr)
	s.served, s.listener = make(chan struct{}), counting{l, s}
	if s.opts.Implicit {
		s.listener = tls.NewListener(s.listener, s.opts.TLS)
	}
	go func() { // joined by Close
		defer close(s.served)
		s.smtp.Serve(s.listener)
	}()
	return at.IP.String(), at.Port, nil
}

// counting counts the connections that were made.
type counting struct {
	net.Listener
	server *Server
}

func (l counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	l.server.connections++
	l.server.open[c] = true
	return counted{c, l.server}, nil
}

type counted struct {
	net.Conn
	server *Server
}

func (c counted) Close() error {
	c.server.mu.Lock()
	delete(c.server.open, c.Conn)
	c.server.mu.Unlock()
	return c.Conn.Close()
}

// HangUp ends all connections, as servers do with those that wait for long.
func (s *Server) HangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		c.Close()
	}
}

// Close hangs up on everybody.
func (s *Server) Close() {
	s.mu.Lock()
	l, first := s.listener, !s.closed
	s.closed = true
	if first {
		close(s.gone)
	}
	s.mu.Unlock()
	s.smtp.Close()
	if l != nil {
		l.Close() // it may not have come to know the listener yet
		<-s.served
	}
}

// Mails are those that were taken, the oldest first.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Mail is the one with this number.
func (s *Server) Mail(id int) (Mail, bool) {
	for _, m := range s.Mails() {
		if m.ID == id {
			return m, true
		}
	}
	return Mail{}, false
}

// Connections is how many were ever made.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// Script adds what goes wrong next; each fault strikes once, in this order.
func (s *Server) Script(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Subscribe gives a channel that holds a signal after each mail.
func (s *Server) Subscribe() (wake <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers[c] = true
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subscribers, c)
	}
}

// next takes the next fault if it is one of this stage.
func (s *Server) next(at Stage) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 || s.faults[0].At != at {
		return Fault{}, false
	}
	f := s.faults[0]
	s.faults = s.faults[1:]
	return f, true
}

func (s *Server) keep(m Mail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	m.ID = s.last
	s.mails = append(s.mails, m)
	if n := len(s.mails) - s.opts.Keep; s.opts.Keep > 0 && n > 0 {
		s.mails = slices.Clone(s.mails[n:])
	}
	for c := range s.subscribers {
		select {
		case c <- struct{}{}:
		default: // one signal waits already
		}
	}
}

// A session is one connection's talk.
type session struct {
	server   *Server
	conn     *smtp.Conn
	known    bool
	from, to string
}

var errLogin = &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}

func (s *session) AuthMechanisms() []string {
	if s.server.opts.Username == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, password string) error {
		if name != s.server.opts.Username || password != s.server.opts.Password {
			return smtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

func (s *session) Reset() { s.from, s.to = "", "" }

func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.opts.Username != "" && !s.known {
		return errLogin
	}
	s.from = from
	return s.strike(AtMail)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	if f, ok := s.server.opts.Refuse[to]; ok {
		return s.answer(f)
	}
	return s.strike(AtRcpt)
}

func (s *session) Data(r io.Reader) error {
	if _, dead := s.server.next(MidData); dead {
		io.ReadFull(r, make([]byte, 64))
		return s.hangUp()
	}
	m := Mail{From: s.from, To: s.to, At: time.Now()}
	var err error
	if m.Raw, err = io.ReadAll(r); err != nil {
		return err
	}
	if err := s.strike(AtDot); err != nil {
		return err
	}
	s.server.keep(m)
	if f, dead := s.server.next(AfterDot); dead {
		s.wait(f)
		return s.hangUp()
	}
	return nil
}

// strike is the answer that a fault of this stage gives.
func (s *session) strike(at Stage) error {
	if f, ok := s.server.next(at); ok {
		return s.answer(f)
	}
	return nil
}

func (s *session) answer(f Fault) error {
	s.wait(f)
	switch {
	case f.Drop:
		return s.hangUp()
	case f.Code == 0:
		return nil
	}
	code := smtp.EnhancedCode(f.Enhanced)
	if f.Enhanced == ([3]int{}) {
		code = smtp.NoEnhancedCode
	}
	return &smtp.SMTPError{Code: f.Code, EnhancedCode: code, Message: cmp.Or(f.Text, "no")}
}

func (s *session) wait(f Fault) {
	if f.Reached != nil {
		f.Reached()
	}
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-s.server.gone:
		}
	}
}

func (s *session) hangUp() error {
	s.conn.Conn().Close()
	return errors.New("the line is dead")
}
