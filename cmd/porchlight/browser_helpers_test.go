package main

// A real browser for the journeys of browser_test.go. The traps that this file
// goes round, each of which cost somebody a day:
//
//   - The binary and not /usr/bin/chromium-headless-shell: Debian's is a script that does not exec, so killing it
//     leaves the whole browser behind. And the headless shell, not the full chromium: in that one a background tab
//     paints no frames, and a second browser context fails.
//   - A tab lives as long as the context of its first Run, so that one gets no deadline.
//   - Waiting for the network to be idle never ends while an event stream is open: facts of the DOM are polled for.
//   - A key is pressed as a person does it: one keydown with its text. chromedp's KeyEvent sends a char event of its
//     own, which no preventDefault stops.
//   - What is covered by something else cannot be clicked, so the mouse goes to coordinates, after asking what is there.

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"porchlight/bridge"
	"porchlight/bridge/sms/smstest"
	"porchlight/data"
	"porchlight/inbox/web"
)

// patience bounds every wait for a fact. A fact takes milliseconds; a busy box takes its time.
const patience = 10 * time.Second

// The handsets of the journeys.
const (
	handsetNorthside = "+14155550147"
	handsetPriya     = "+14155550134"
	handsetTom       = "+14155550131"
	handsetLandline  = "+14155550172" // Oakfield Lettings
)

// findBrowser gives the path of a Chromium, or skips the test: with
// REQUIRE_BROWSER=1, as in .ci/run, its absence is a failure.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, p := range []string{os.Getenv("CHROME_PATH"), "/usr/lib/chromium/chromium-headless-shell", "/usr/lib/chromium/chromium"} {
		if _, err := os.Stat(p); p != "" && err == nil {
			return p
		}
	}
	for _, name := range []string{"chrome-headless-shell", "google-chrome", "chromium-browser"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	const words = "NO BROWSER, SO NOTHING THAT PEOPLE SEE WAS TESTED: apt-get install chromium-headless-shell, or set CHROME_PATH"
	if os.Getenv("REQUIRE_BROWSER") == "1" {
		t.Fatal(words)
	}
	t.Skip(words)
	return ""
}

// A stage is a demo that runs in this process, with a browser in front of it.
type stage struct {
	*testing.T
	*demo
	program *program
	url     string
	browser context.Context
	close   []func() // tabs and servers, when the play is over
}

// newStage opens the curtain: a demo on the loopback interface whose carrier
// reports at once, and one browser. Both are gone when the test ends.
func newStage(t *testing.T) *stage {
	t.Helper()
	if testing.Short() {
		t.Skip("browser journeys are not short")
	}
	path := findBrowser(t)
	s := &stage{T: t}
	s.browser = s.startBrowser(path)
	log := &lockedBuffer{}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	t.Cleanup(func() {
		slog.SetDefault(before)
		if s := log.String(); strings.Contains(s, "level=ERROR") {
			t.Errorf("the server logged errors:\n%s", s)
		}
	})

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	s.demo, s.program, err = newDemo(ctx, t.TempDir(), s.url, smstest.Delays{Sent: 20 * time.Millisecond, Delivered: 60 * time.Millisecond})
	if err != nil {
		cancel()
		t.Fatal(errors.Join(err, l.Close()))
	}
	ended := make(chan error, 1)
	go func() { ended <- s.program.run(ctx, l) }()
	t.Cleanup(func() { // the tabs are still open, as they are when somebody presses Ctrl+C
		began := time.Now()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the demo ended with: %v", err)
		}
		s.demo.close()
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("the demo took %v to stop while pages were open", d.Round(time.Millisecond))
		}
	})
	return s
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// startBrowser launches one browser with a profile of its own, and sees to it
// that none of its processes outlives the test.
func (s *stage) startBrowser(path string) context.Context {
	t := s.T
	t.Helper()
	profile := t.TempDir()
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.Env("PORCHLIGHT_TEST_BROWSER="+profile),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-features", "Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider"),
		chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("font-render-hinting", "none"),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("lang", "en-GB"),
	)
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox)
	}
	allocator, freeAllocator := chromedp.NewExecAllocator(context.Background(), opts...)
	browser, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		for _, end := range s.close {
			end()
		}
		_ = chromedp.Cancel(browser) // asks the browser to close, and waits for it
		cancel()
		freeAllocator()
		deadline := time.Now().Add(patience)
		for left := processesOf(profile); len(left) > 0; left = processesOf(profile) {
			if time.Now().After(deadline) {
				t.Errorf("processes of the browser are left: %v", left)
				return
			}
			<-time.After(20 * time.Millisecond)
		}
	})
	if err := chromedp.Run(browser); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return browser
}

// processesOf lists the living processes that were started with the profile;
// where there is no /proc it knows of none.
func processesOf(profile string) (pids []string) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		for _, file := range []string{"cmdline", "environ"} {
			if b, err := os.ReadFile(filepath.Join(dir, file)); err == nil && filepath.Base(dir) != strconv.Itoa(os.Getpid()) && bytes.Contains(b, []byte(profile)) {
				pids = append(pids, filepath.Base(dir))
				break
			}
		}
	}
	return pids
}

// A tab is a page before somebody's eyes. Whatever it complains about in its
// console fails the test.
type tab struct {
	*stage
	who string
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	excused    []string
}

// A screen is what somebody looks at the pages with.
type screen struct {
	name          string
	width, height int64
	phone         bool
}

var (
	desktop = screen{"desktop", 1440, 900, false}
	laptop  = screen{"laptop", 1024, 768, false}
	mobile  = screen{"phone", 390, 844, true}
	small   = screen{"small", 320, 640, true}
)

// person opens a tab with cookies and storage of its own, so that two people
// never share a session.
func (s *stage) person(who string, on screen) *tab {
	s.Helper()
	return s.open(who, on, chromedp.WithNewBrowserContext())
}

// tab opens one more tab of the same browser profile.
func (s *stage) tab(who string, on screen) *tab {
	s.Helper()
	return s.open(who, on)
}

func (s *stage) open(who string, on screen, o ...chromedp.ContextOption) *tab {
	s.Helper()
	ctx, cancel := chromedp.NewContext(s.browser, o...)
	s.close = append(s.close, cancel) // not before the browser closes: the demo has to stop with pages open
	p := &tab{stage: s, who: who, ctx: ctx}
	chromedp.ListenTarget(ctx, p.listen)
	if err := chromedp.Run(ctx); err != nil { // no deadline: the tab lives as long as this context
		s.Fatal(err)
	}
	s.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, c := range p.complaints {
			if !slices.ContainsFunc(p.excused, func(e string) bool { return strings.Contains(c, e) }) {
				s.Errorf("%s's console: %s", p.who, c)
			}
		}
	})
	p.do(cdplog.Enable(), network.Enable(), emulation.SetFocusEmulationEnabled(true), p.look(on, "light"))
	return p
}

// look sets the screen and the colour scheme. Nothing moves, so that pictures hold still.
func (p *tab) look(on screen, scheme string) chromedp.Action {
	scale := 1.0
	if on.phone {
		scale = 2
	}
	return chromedp.Tasks{
		emulation.SetDeviceMetricsOverride(on.width, on.height, scale, on.phone),
		emulation.SetTouchEmulationEnabled(on.phone),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}),
	}
}

// listen collects what a console shows in red: exceptions, refused loads,
// violations of the content security policy.
func (p *tab) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.complaints = append(p.complaints, "exception: "+e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning || e.Type == runtime.APITypeAssert {
			var words []string
			for _, a := range e.Args {
				words = append(words, cmp.Or(strings.Trim(string(a.Value), `"`), a.Description))
			}
			p.complaints = append(p.complaints, fmt.Sprintf("%s: %s", e.Type, strings.Join(words, " ")))
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.LevelError || e.Entry.Level == cdplog.LevelWarning {
			p.complaints = append(p.complaints, fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	}
}

// excuse says which complaints belong to the story, by a part of their text.
func (p *tab) excuse(parts ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.excused = append(p.excused, parts...)
}

func (p *tab) do(actions ...chromedp.Action) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		p.Fatalf("%s: %v", p.who, err)
	}
}

func (p *tab) visit(path string) {
	p.Helper()
	if strings.HasPrefix(path, "/") {
		path = p.url + path
	}
	p.do(chromedp.Navigate(path))
}

// shows gives the value of an expression in the page.
func shows[T any](p *tab, js string) (v T) {
	p.Helper()
	p.do(chromedp.Evaluate(js, &v, func(e *runtime.EvaluateParams) *runtime.EvaluateParams { return e.WithAwaitPromise(true) }))
	return v
}

// until waits for a fact: an expression that is true in the page. A page that is
// on its way to the next has no facts yet.
func (p *tab) until(what, js string) {
	p.Helper()
	began, tick := time.Now(), time.NewTicker(15*time.Millisecond)
	defer tick.Stop()
	for {
		var ok bool
		ctx, cancel := context.WithTimeout(p.ctx, patience)
		err := chromedp.Run(ctx, chromedp.Evaluate("!!("+js+")", &ok))
		cancel()
		if ok && err == nil {
			return
		}
		if time.Since(began) > patience {
			p.Fatalf("%s waited in vain: %s (%s) %v\n%s", p.who, what, js, err, p.text())
		}
		<-tick.C
	}
}

// is checks a fact that must hold now.
func (p *tab) is(what, js string) {
	p.Helper()
	if !shows[bool](p, "!!("+js+")") {
		p.Errorf("%s does not see: %s (%s)\n%s", p.who, what, js, p.text())
	}
}

// text is what the page says, for messages of failed tests.
func (p *tab) text() string {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	var s string
	_ = chromedp.Run(ctx, chromedp.Evaluate(`location.pathname + location.search + ' | ' + document.title + ' | ' + document.body.innerText.replace(/\s+/g, ' ').slice(-1500)`, &s))
	return s
}

// jsTarget finds the element that a person means: CSS, or CSS and the words on it.
func jsTarget(css, words string) string {
	if words == "" {
		return fmt.Sprintf("document.querySelector(%q)", css)
	}
	return fmt.Sprintf("[...document.querySelectorAll(%q)].find(e => e.checkVisibility() && e.textContent.trim().includes(%q))", css, words)
}

// click presses the left button in the middle of an element, which has to be
// there, hold still and lie on top. words choose among several.
func (p *tab) click(css string, words ...string) {
	p.Helper()
	target := jsTarget(css, strings.Join(words, " "))
	var at []float64
	began := time.Now()
	for len(at) != 2 {
		at = shows[[]float64](p, `(e => { if (!e) return [];
			e.scrollIntoView({ block: 'nearest', inline: 'nearest' });
			const r = e.getClientRects()[0], now = performance.now(), aim = window.aim; if (!r) return [];
			if (aim?.e !== e || aim.x !== r.x || aim.y !== r.y) { window.aim = { e, x: r.x, y: r.y, since: now }; return []; }
			if (now - aim.since < 40) return [];
			const x = r.x + r.width / 2, y = r.y + r.height / 2, top = document.elementFromPoint(x, y);
			return top && (e === top || e.contains(top) || top.contains(e) && top.closest('label,a,button')) ? [x, y] : [] })(`+target+`)`)
		if len(at) != 2 && time.Since(began) > patience {
			over := shows[string](p, `(e => { if (!e) return 'it is not there'; const r = e.getBoundingClientRect(); return 'there lies ' + (document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)?.outerHTML.slice(0, 200) ?? 'nothing') + ' at ' + JSON.stringify(r) })(`+target+`)`)
			p.Fatalf("%s cannot click %s %v: %s\n%s", p.who, css, words, over, p.text())
		}
	}
	p.do(input.DispatchMouseEvent(input.MouseMoved, at[0], at[1]),
		input.DispatchMouseEvent(input.MousePressed, at[0], at[1]).WithButton(input.Left).WithClickCount(1),
		input.DispatchMouseEvent(input.MouseReleased, at[0], at[1]).WithButton(input.Left).WithClickCount(1))
}

// write clicks into a field and puts text there as an input method does.
func (p *tab) write(css, text string) {
	p.Helper()
	p.click(css)
	p.do(input.InsertText(text))
}

// press presses keys by their names, one after the other: "j", "Enter", "Ctrl+Enter", "?".
func (p *tab) press(names ...string) {
	p.Helper()
	for _, name := range names {
		key, ctrl := strings.CutPrefix(name, "Ctrl+")
		key, shift := strings.CutPrefix(key, "Shift+")
		var mods input.Modifier
		if ctrl {
			mods |= input.ModifierCtrl
		}
		if shift || len(key) == 1 && strings.ToUpper(key) == key && strings.ToLower(key) != key || key == "?" || key == "!" {
			mods |= input.ModifierShift
		}
		codes := map[string]int64{"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38, "End": 35, "Home": 36}
		down := input.DispatchKeyEvent(input.KeyRawDown).WithKey(key).WithCode(key).WithModifiers(mods).WithWindowsVirtualKeyCode(codes[key])
		switch {
		case len(key) == 1:
			down = down.WithText(key).WithCode("Key" + strings.ToUpper(key)).WithWindowsVirtualKeyCode(int64(strings.ToUpper(key)[0]))
			down.Type = input.KeyDown
		case key == "Enter" && !ctrl:
			down = down.WithText("\r")
			down.Type = input.KeyDown
		}
		p.do(down, input.DispatchKeyEvent(input.KeyUp).WithKey(key).WithCode(down.Code).WithModifiers(mods).WithWindowsVirtualKeyCode(down.WindowsVirtualKeyCode))
	}
}

// stayed leaves a mark in the page, and gives an expression that is true as long
// as the page was not loaded anew.
func (p *tab) stayed() string {
	p.Helper()
	shows[int](p, `window.marked = 1`)
	return `window.marked === 1`
}

// offline takes the network away, or gives it back.
func (p *tab) offline(gone bool) {
	p.Helper()
	p.do(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := network.EmulateNetworkConditionsByRule(gone, []*network.Conditions{{DownloadThroughput: -1, UploadThroughput: -1}}).Do(ctx)
		return errors.Join(err, network.OverrideNetworkState(gone, 0, -1, -1).Do(ctx))
	}))
}

/* ---- the words of the journeys ---- */

// row is the list's row of somebody, as an expression.
func row(name string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('#rows > .row')].find(r => r.querySelector('strong').textContent === %q)`, name)
}

// bubbles are the messages with this text, as an expression. side is in, out or note.
func bubbles(side, text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('.log .msg.%s')].filter(m => m.querySelector('.bub')?.textContent.trim() === %q)`, side, text)
}

// openConversation clicks somebody's row and waits for the conversation.
func (p *tab) openConversation(name string) {
	p.Helper()
	p.click("#rows .row strong", name)
	p.until("the conversation with "+name, fmt.Sprintf(`document.querySelector('.chead h2')?.textContent.trim().endsWith(%q)`, name))
}

// reply writes and sends an answer with the keyboard.
func (p *tab) reply(text string) {
	p.Helper()
	p.write(".composer textarea", text)
	p.press("Ctrl+Enter")
}

// texts lets a handset text the business, through the carrier's double and the real webhook.
func (s *stage) texts(from, body string) {
	s.Helper()
	if _, status, err := s.sim.Text(s.Context(), from, demoLine, body); err != nil || status != 200 {
		s.Fatalf("the webhook answered %d, %v", status, err)
	}
}

// received counts how often a handset has a text from the business.
func (s *stage) received(handset, body string) (n int) {
	for _, t := range s.sim.Handset(handset) {
		if t.From != handset && t.Body == body {
			n++
		}
	}
	return n
}

// handsetURL is the simulator's page of one handset.
func handsetURL(number string) string {
	return "/simulator?h=" + strings.Replace(number, "+", "%2B", 1)
}

// signIn makes a tab somebody else's than the owner's, whom the demo signs in by itself.
func (p *tab) signIn(email string) {
	p.Helper()
	const password = "a porch with a light"
	p.password(email, password)
	p.visit("/inbox")
	if status := shows[int](p, fmt.Sprintf(`fetch('/login', { method: 'POST', body: new URLSearchParams({ email: %q, password: %q }) }).then(r => r.status)`, email, password)); status != 200 {
		p.Fatalf("signing in as %s was answered with %d", email, status)
	}
}

func (s *stage) password(email, password string) {
	s.Helper()
	hash, err := web.HashPassword(password)
	if err != nil {
		s.Fatal(err)
	}
	if err := s.store.Write(s.Context(), func(tx *data.Tx) error {
		who, _, err := tx.StaffByEmail(email)
		if err != nil {
			return err
		}
		return tx.SetPassword(who.ID, hash)
	}); err != nil {
		s.Fatal(err)
	}
}

// door is the URL of a program that knows no visitor, with a link for its first owner.
func (s *stage) door() (url, welcome string) {
	s.Helper()
	cfg := s.program.cfg
	cfg.Storage.Path = s.TempDir()
	p, err := build(s.Context(), cfg, extras{})
	if err != nil {
		s.Fatal(err)
	}
	server := httptest.NewServer(p.handler)
	s.close = append(s.close, func() { server.Close(); _ = p.store.Close() })
	secret, hash := bridge.NewSecret()
	if err := p.store.Write(s.Context(), func(tx *data.Tx) error {
		return tx.AddTicket(hash, web.TicketOwner, time.Now().Add(time.Hour))
	}); err != nil {
		s.Fatal(err)
	}
	return server.URL, server.URL + "/welcome/" + secret
}

// conversation gives the id of somebody's conversation.
func (s *stage) conversation(name string) (id bridge.ConversationID) {
	s.Helper()
	err := s.store.Read(s.Context(), func(tx *data.Tx) error {
		owner, _, err := tx.StaffByEmail("sam@example.com")
		if err != nil {
			return err
		}
		for _, v := range bridge.Views {
			cs, err := tx.Conversations(owner, v, data.ParseCursor(""), 100)
			if err != nil {
				return err
			}
			for _, c := range cs {
				if c.Title == name && c.Kind == bridge.KindCustomer {
					id = c.ID
				}
			}
		}
		return nil
	})
	if err != nil || id == 0 {
		s.Fatalf("no conversation with %s: %v", name, err)
	}
	return id
}

// shoot writes a picture of what is on the screen.
func (p *tab) shoot(file string) {
	p.Helper()
	shows[bool](p, `(async () => { await document.fonts.ready; await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))); return true })()`)
	var png []byte
	p.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		png, err = page.CaptureScreenshot().WithFormat(page.CaptureScreenshotFormatPng).Do(ctx)
		return err
	}))
	if err := os.WriteFile(file, png, 0o644); err != nil {
		p.Fatal(err)
	}
}

// withoutScript is a browser whose owner has switched scripts off.
func withoutScript() chromedp.Action { return emulation.SetScriptExecutionDisabled(true) }
