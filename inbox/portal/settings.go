package portal

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/templates"
)

func (p *Portal) settings(c *gin.Context, who bridge.Contact) error {
	return p.showSettings(c, http.StatusOK, who, templates.PortalSettings{Saved: c.Query("saved") == "1", ReachSent: c.Query("noted") == "1"})
}

func (p *Portal) showSettings(c *gin.Context, code int, who bridge.Contact, v templates.PortalSettings) error {
	return page(p, c, code, "p-settings", func(tx *data.Tx) (_ templates.PortalSettings, err error) {
		if v.PortalShell, err = p.shell(c, tx, who, "Settings", "settings"); err != nil {
			return v, err
		}
		for _, o := range []templates.PortalOption{
			{Value: "", Text: "As usual", Hint: "The way that fits the conversation"},
			{Value: string(bridge.ToldByText), Text: "Text"}, {Value: string(bridge.ToldByEmail), Text: "Email"}, {Value: string(bridge.ToldByBoth), Text: "Text and email"},
			{Value: string(bridge.ToldNothing), Text: "Stop everything", Hint: "Neither texts nor emails about messages; you look in here by yourself"},
		} {
			o.Text, o.Hint, o.Chosen = v.T(o.Text), v.T(o.Hint), o.Value == string(who.Told)
			v.Told = append(v.Told, o)
		}
		for _, l := range bridge.Languages {
			v.Languages = append(v.Languages, templates.PortalOption{Value: l, Text: languageNames[l], Chosen: l == v.Lang()})
		}
		for _, a := range who.Addresses {
			row := templates.PortalAddress{Label: v.T("Mobile"), Value: a.Pretty(), Problem: v.T(a.Problem)}
			if a.Channel == bridge.Email {
				row.Label = v.T("Email")
			}
			if a.OptedOut {
				row.Problem = v.T("You texted STOP")
			}
			v.Addresses = append(v.Addresses, row)
		}
		if v.Client == "" {
			v.Client = newClient()
		}
		if conv, kind, err := p.whereTo(tx, who); err != nil {
			return v, err
		} else if conv != 0 || kind != "" {
			v.CanReach = true
		}
		sessions, err := tx.PortalSessions(who.ID, p.Now())
		this, _ := tx.PortalSession(c.GetString(hashKey), p.Now())
		for _, s := range sessions {
			v.Devices = append(v.Devices, templates.PortalDevice{Name: s.Device, Seen: v.Stamp(s.SeenAt, p.today(who)), This: s == this})
		}
		return v, err
	})
}

var languageNames = map[string]string{"en": "English", "es": "Español"}

func (p *Portal) saveSettings(c *gin.Context, who bridge.Contact) error {
	err := p.in.SetWishes(c.Request.Context(), who.ID, intake.Wishes{Told: bridge.Told(c.PostForm("told")), Language: c.PostForm("language")})
	var invalid *bridge.Invalid
	if errors.As(err, &invalid) {
		return p.showSettings(c, http.StatusUnprocessableEntity, who, templates.PortalSettings{Error: p.words(c, who).T(invalid.Problem) + "."})
	}
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/portal/settings?saved=1")
	return nil
}
