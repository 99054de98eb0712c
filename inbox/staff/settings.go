package staff

// The settings that hold for all conversations: the preset, the portal, who may
// answer, quiet hours.

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// mountSettings puts the settings, the team and "what happens if" on the engine.
func (s *Inbox) mountSettings(g *gin.RouterGroup) {
	g = g.Group("/settings")
	get := func(path string, do bridge.Action, h web.Handler) { g.GET(path, s.Do(allowing(do, h))) }
	post := func(path string, do bridge.Action, h web.Handler) { g.POST(path, s.Do(allowing(do, h))) }
	get("", bridge.DoChangeSettings, s.general)
	post("", bridge.DoChangeSettings, s.saveGeneral)
	post("/preset", bridge.DoChangeSettings, s.usePreset)
	get("/kinds", bridge.DoChangeSettings, s.kinds)
	get("/kinds/:kind", bridge.DoChangeSettings, s.kind)
	post("/kinds/:kind", bridge.DoChangeSettings, s.saveKind)
	post("/kinds/:kind/reset", bridge.DoChangeSettings, s.resetKind)
	get("/stages", bridge.DoChangeSettings, s.stages)
	post("/stages", bridge.DoChangeSettings, s.saveStages)
	get("/calls", bridge.DoChangeSettings, s.callSettings)
	post("/calls", bridge.DoChangeSettings, s.saveCallSettings)
	get("/team", bridge.DoManageTeam, s.team)
	post("/team", bridge.DoManageTeam, s.hire)
	post("/team/:id/role", bridge.DoManageTeam, s.setRole)
	post("/team/:id/phone", bridge.DoManageTeam, s.setPhone)
	post("/team/:id/link", bridge.DoManageTeam, s.rehire)
	get("/team/:id/switch", bridge.DoManageTeam, s.switchPage)
	post("/team/:id/switch", bridge.DoManageTeam, s.switchStaff)
	post("/keys/:id/end", bridge.DoManageTeam, s.endKey)
	get("/what-if", bridge.DoChangeSettings, s.whatIf)
}

// allowing shows a page only to whom its action is allowed at all; the doors ask
// again for what is done on it.
func allowing(do bridge.Action, h web.Handler) web.Handler {
	return func(c *gin.Context) error {
		if err := bridge.Decide(me(c).Actor(), do, &bridge.Facts{}).Err(); err != nil {
			return err
		}
		return h(c)
	}
}

// did are the words for what was just done, by the name in the address, so that
// nobody can put their own words there.
var did = map[string]string{
	"saved": "Saved.", "preset": "The preset is in use. Nothing that was written is hidden.", "reset": "This kind has the preset's values again.",
	"role": "The role is changed.", "phone": "The phone is changed.", "off": "The account is switched off. They are signed out everywhere.", "on": "The account is switched on.", "key": "The key works no more.",
}

func (s *Inbox) settingsShell(c *gin.Context, title, href string) templates.SettingsShell {
	sh := templates.SettingsShell{Shell: s.Shell(c, title, "settings"), Done: did[c.Query("done")]}
	for _, n := range []templates.NavItem{
		{Text: "General", Href: "/settings"}, {Text: "Kinds", Href: "/settings/kinds"}, {Text: "Stages", Href: "/settings/stages"},
		{Text: "Calls and receptionist", Href: "/settings/calls"}, {Text: "Team", Href: "/settings/team"}, {Text: "What happens if", Href: "/settings/what-if"},
	} {
		n.Current = n.Href == href
		sh.Nav = append(sh.Nav, n)
	}
	return sh
}

// leadTo leads a plain form to the page that it changed.
func leadTo(c *gin.Context, href, what string) error {
	c.Redirect(http.StatusSeeOther, href+"?done="+what)
	return nil
}

// wrong is what a form says of itself; ok is false for an error that is no form's.
func wrong(err error) (bad templates.Bad, ok bool) {
	var invalid *bridge.Invalid
	if !errors.As(err, &invalid) {
		return bad, false
	}
	return templates.Bad{Field: invalid.Field, Text: invalid.Problem + "."}, true
}

// settingsNow are the settings as they stand.
func (s *Inbox) settingsNow(c *gin.Context) (out *bridge.Settings, err error) {
	err = s.look(c.Request.Context(), func(tx *data.Tx) (err error) { out, err = tx.Settings(); return err })
	return out, err
}

func (s *Inbox) general(c *gin.Context) error {
	now, err := s.settingsNow(c)
	if err != nil {
		return err
	}
	return s.Page(c, http.StatusOK, "settings", newSettingsPage(s.settingsShell(c, "Settings", "/settings"), now))
}

func newSettingsPage(sh templates.SettingsShell, now *bridge.Settings) templates.SettingsPage {
	p := templates.SettingsPage{
		SettingsShell: sh, PortalOn: now.PortalOn, MessagesOn: now.MessagesOn, SupervisorsAnswer: now.SupervisorsAnswer,
		FieldAnswers: now.FieldAnswers, TenantRequests: now.TenantRequests, UrgentPhone: bridge.PrettyAddress(now.UrgentPhone),
	}
	if now.QuietFrom != now.QuietUntil {
		p.QuietFrom, p.QuietUntil = clockTime(now.QuietFrom), clockTime(now.QuietUntil)
	}
	for _, preset := range bridge.Presets {
		p.Presets = append(p.Presets, templates.Tick{Value: string(preset), Text: preset.Title(), Help: preset.Help(), On: preset == now.Preset})
	}
	return p
}

// clockTime is minutes after midnight as a time input has them.
func clockTime(minutes int) string {
	return time.Date(2000, 1, 1, 0, minutes, 0, 0, time.UTC).Format("15:04")
}

// parseClock reads what a time input sends; some browsers send seconds.
func parseClock(s string) (minutes int, err error) {
	t, err := time.Parse("15:04", s)
	if err != nil {
		t, err = time.Parse("15:04:05", s)
	}
	return t.Hour()*60 + t.Minute(), err
}

// readQuiet reads the quiet hours; both left empty are none.
func readQuiet(from, until string) (f, u int, err error) {
	if from == "" && until == "" {
		return 0, 0, nil
	}
	f, err1 := parseClock(from)
	u, err2 := parseClock(until)
	if err1 != nil || err2 != nil {
		return 0, 0, &bridge.Invalid{Field: "quiet", Problem: "Give both times, such as 21:00 and 08:00, or neither"}
	}
	return f, u, nil
}

func on(c *gin.Context, field string) bool { return c.PostForm(field) != "" }

func (s *Inbox) saveGeneral(c *gin.Context) error {
	from, until := strings.TrimSpace(c.PostForm("quiet_from")), strings.TrimSpace(c.PostForm("quiet_until"))
	phone := strings.TrimSpace(c.PostForm("urgent_phone"))
	apply := func(next *bridge.Settings) {
		next.PortalOn, next.MessagesOn = on(c, "portal_on"), on(c, "messages_on")
		next.SupervisorsAnswer, next.FieldAnswers = on(c, "supervisors_answer"), on(c, "field_answers")
		next.TenantRequests = on(c, "tenant_requests")
	}
	err := s.in.ChangeSettings(c.Request.Context(), me(c), func(next *bridge.Settings) (err error) {
		apply(next)
		if phone != bridge.PrettyAddress(next.UrgentPhone) {
			next.UrgentPhone = phone
		}
		next.QuietFrom, next.QuietUntil, err = readQuiet(from, until)
		return err
	})
	if bad, ok := wrong(err); ok {
		now, err := s.settingsNow(c)
		if err != nil {
			return err
		}
		kept := *now
		apply(&kept)
		p := newSettingsPage(s.settingsShell(c, "Settings", "/settings"), &kept)
		p.UrgentPhone, p.QuietFrom, p.QuietUntil, p.Bad = phone, from, until, bad
		return s.Page(c, http.StatusUnprocessableEntity, "settings", p)
	}
	if err != nil {
		return err
	}
	return leadTo(c, "/settings", "saved")
}

func (s *Inbox) usePreset(c *gin.Context) error {
	err := s.in.ChangeSettings(c.Request.Context(), me(c), func(next *bridge.Settings) error {
		next.Use(bridge.Preset(c.PostForm("preset")))
		return nil
	})
	if bad, ok := wrong(err); ok {
		now, err := s.settingsNow(c)
		if err != nil {
			return err
		}
		p := newSettingsPage(s.settingsShell(c, "Settings", "/settings"), now)
		p.Bad = bad
		return s.Page(c, http.StatusUnprocessableEntity, "settings", p)
	}
	if err != nil {
		return err
	}
	return leadTo(c, "/settings", "preset")
}
