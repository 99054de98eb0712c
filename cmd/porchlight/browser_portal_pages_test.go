package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"porchlight/bridge"
	"porchlight/data"
)

// customer is a contact of the demo, by their phone.
func (s *stage) customer(phone string) (c bridge.Contact) {
	s.Helper()
	if err := s.store.Read(s.Context(), func(tx *data.Tx) error {
		as, err := tx.AddressesOf(bridge.SMS, phone)
		if err != nil {
			return err
		}
		c, err = tx.Contact(as[0].Contact)
		return err
	}); err != nil {
		s.Fatal(err)
	}
	return c
}

// comeIn signs a tab in to the portal, without the way there, in a language.
func (p *tab) comeIn(phone, language string) {
	p.Helper()
	key, hash := bridge.NewSecret()
	c, now := p.customer(phone), time.Now()
	c.Language = language
	if err := p.store.Write(p.Context(), func(tx *data.Tx) error {
		if err := tx.PutContact(c); err != nil {
			return err
		}
		return tx.AddPortalSession(hash, data.PortalSession{Contact: c.ID, CreatedAt: now, ExpiresAt: now.Add(time.Hour), Device: "Chrome on Android"})
	}); err != nil {
		p.Fatal(err)
	}
	p.do(chromedp.ActionFunc(func(ctx context.Context) error {
		return network.SetCookie("porchlight_portal", key).WithURL(p.url).WithHTTPOnly(true).Do(ctx)
	}))
}

// portalPages are what customers see, by name; the doors with links that are good,
// need a code, are over, and were never there.
func (s *stage) portalPages() map[string]string {
	s.Helper()
	who := s.customer(handsetPriya)
	link := func(age time.Duration) string {
		key, hash := bridge.NewSecret()
		at := time.Now().Add(-age)
		if err := s.store.Write(s.Context(), func(tx *data.Tx) error {
			return tx.AddPortalLink(hash, data.PortalLink{Contact: who.ID, Channel: bridge.SMS, Address: handsetPriya, CreatedAt: at, ExpiresAt: at.Add(bridge.LinkTime)})
		}); err != nil {
			s.Fatal(err)
		}
		return "/m/" + key
	}
	const day = 24 * time.Hour
	old := link(20 * day)
	return map[string]string{
		"p-home": "/portal", "p-list": "/portal/messages", "p-talk": fmt.Sprintf("/portal/c/%d", s.conversation("Priya Raman")), "p-new": "/portal/new", "p-settings": "/portal/settings",
		"p-search": "/portal/search?q=boiler&from=Sam", "p-none": "/portal/search?q=zeppelin", "p-link": link(0), "p-code": old, "p-digits": old + "?sent=1", "p-expired": link(40 * day), "p-over": "/m/NEVER", "p-notfound": "/portal/c/99999", "p-widget": "/portal/widget",
	}
}

func TestPortalFitsSmallScreensFingersAndBothLanguages(t *testing.T) {
	s := newStage(t)
	p := s.person("a small phone", small)
	p.excuse("404 (Not Found)", "410 (Gone)")
	pages := s.portalPages()
	for _, language := range []string{"en", "es"} {
		p.comeIn(handsetPriya, language)
		for _, name := range slices.Sorted(maps.Keys(pages)) {
			p.visit(pages[name])
			p.until(name, `document.readyState === 'complete'`)
			if w := shows[int](p, `Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)`); w > 320 {
				t.Errorf("%s in %s is %d px wide", name, language, w)
			}
			if wide := shows[string](p, `[...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && e.getBoundingClientRect().right > 321 && !e.closest('.vh,svg,.skip')).map(e => e.tagName + '.' + e.className).slice(0, 5).join(', ')`); wide != "" {
				t.Errorf("%s in %s: beyond the edge: %s", name, language, wide)
			}
			// A link within a sentence is as high as its line; all else is for a finger.
			if low := shows[string](p, `[...document.querySelectorAll('a[href],button,input:not([type=hidden]),select,summary')].filter(e => e.checkVisibility() && !e.closest('p:not(.btns),.fine,.bub,.fail,.vh,.skip') && !e.matches('.attach input'))
				.map(e => [e.matches('[type=radio],[type=checkbox]') ? e.closest('label') : e, e]).filter(([box]) => { const r = box.getBoundingClientRect(); return r.width > 0 && r.height < 43.5 }).map(([box, e]) => e.tagName + '.' + e.className + ' ' + Math.round(box.getBoundingClientRect().height) + ' ' + e.textContent.trim().slice(0, 20)).join(', ')`); low != "" {
				t.Errorf("%s in %s: too low for a finger: %s", name, language, low)
			}
		}
	}
}

func TestPortalIsReadAndAnsweredByKeyboardAlone(t *testing.T) {
	s := newStage(t)
	p := s.person("Priya", mobile)
	p.comeIn(handsetPriya, "en")
	p.visit(fmt.Sprintf("/portal/c/%d", s.conversation("Priya Raman")))
	p.until("the script", `document.documentElement.dataset.js === ''`)
	var order []string
	for range 12 {
		p.press("Tab")
		at := shows[string](p, `(e => e.id && e.matches('.log') ? 'log' : e.name || e.className || e.tagName)(document.activeElement)`)
		if order = append(order, at); strings.Contains(at, "send") {
			break
		}
	}
	told := strings.Join(order, " | ")
	last := -1
	for _, want := range []string{"skip", "pback", "log", "files", "body", "send"} {
		at := slices.IndexFunc(order, func(s string) bool { return strings.Contains(s, want) })
		if at < 0 || at < last {
			t.Errorf("%s is not in its place: %s", want, told)
		}
		last = max(last, at)
	}
}

func TestPortalWorksWithoutAScript(t *testing.T) {
	s := newStage(t)
	p := s.person("Priya", mobile)
	p.comeIn(handsetPriya, "en")
	p.do(emulation.SetScriptExecutionDisabled(true))
	row := fmt.Sprintf("document.querySelector('#row-%d').dataset.unread", s.conversation("Priya Raman"))
	p.visit("/portal/messages")
	before := shows[int](p, "+"+row)
	p.visit(fmt.Sprintf("/portal/c/%d", s.conversation("Priya Raman")))
	p.until("the picker of files", `document.querySelector('.attach input').getBoundingClientRect().width > 100`)
	p.write(".composer textarea", "Without a script")
	p.click(".composer .send")
	p.until("it is in the conversation", bubbles("out", "Without a script")+`.length === 1`)
	p.is("the text has left the form", `document.querySelector('.composer textarea').value === ''`)
	p.visit("/portal/messages")
	if after := shows[int](p, "+"+row); before == 0 || after >= before {
		t.Errorf("%d were unread, and after the page was shown %d", before, after)
	}
}

// findAxe gives the source of axe-core, which checks accessibility, or skips the
// test: with REQUIRE_AXE=1, as in .ci/run, its absence is a failure.
func findAxe(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(cmp.Or(os.Getenv("AXE_PATH"), "axe.min.js"))
	if err == nil {
		return string(b)
	}
	const words = "NO AXE, SO NOBODY ASKED WHETHER EVERYBODY CAN USE THE PORTAL: npm install axe-core, then set AXE_PATH to its axe.min.js"
	if os.Getenv("REQUIRE_AXE") == "1" {
		t.Fatal(words)
	}
	t.Skip(words)
	return ""
}

func TestAxeFindsNothingInThePortal(t *testing.T) {
	axe := findAxe(t)
	s := newStage(t)
	p := s.person("everybody", mobile)
	p.excuse("404 (Not Found)", "410 (Gone)")
	p.comeIn(handsetPriya, "en")
	for name, path := range s.portalPages() {
		for _, on := range []screen{mobile, desktop} {
			for _, scheme := range []string{"light", "dark"} {
				p.do(p.look(on, scheme))
				p.visit(path)
				p.until(name, `document.readyState === 'complete'`)
				p.do(chromedp.Evaluate(axe+"; true", nil))
				for _, found := range shows[[]string](p, `axe.run(document, { resultTypes: ['violations'] }).then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 120)).join(' ')))`) {
					t.Errorf("%s, %s, %s: %s", name, on.name, scheme, found)
				}
			}
		}
	}
}

// shootPortal is TestPictures for the portal.
func (p *tab) shootPortal(dir string) {
	pages := p.portalPages()
	for _, language := range []string{"en", "es"} {
		p.comeIn(handsetPriya, language)
		for name, path := range pages {
			for _, on := range []screen{desktop, mobile, small} {
				for _, scheme := range []string{"light", "dark"} {
					if scheme == "dark" && on == small {
						continue
					}
					p.do(p.look(on, scheme))
					p.visit(path)
					p.until(name, `document.readyState === 'complete'`)
					p.shoot(filepath.Join(dir, name+"-"+language+"-"+on.name+"-"+scheme+".png"))
				}
			}
		}
	}
}
