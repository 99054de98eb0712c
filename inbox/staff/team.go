package staff

// The team: who signs in, with which role, and the programs that act as them.

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

func (s *Inbox) team(c *gin.Context) error { return s.showTeam(c, http.StatusOK, nil) }

// showTeam shows the team as it is; edit puts on the page what one answer has besides.
func (s *Inbox) showTeam(c *gin.Context, code int, edit func(*templates.TeamPage)) error {
	var team []bridge.Staff
	var keys []bridge.APIKey
	err := s.look(c.Request.Context(), func(tx *data.Tx) (err error) {
		if team, err = tx.Staff(); err == nil {
			keys, err = tx.Keys()
		}
		return err
	})
	if err != nil {
		return err
	}
	p := newTeamPage(s.settingsShell(c, "Team", "/settings/team"), me(c), team, keys, s.now())
	if edit != nil {
		edit(&p)
	}
	return s.Page(c, code, "settings-team", p)
}

func newTeamPage(sh templates.SettingsShell, reader bridge.Staff, team []bridge.Staff, keys []bridge.APIKey, now time.Time) templates.TeamPage {
	p := templates.TeamPage{SettingsShell: sh, Gives: roleTicks(reader, bridge.Admin)}
	who := map[bridge.StaffID]bridge.Staff{}
	for _, m := range team {
		who[m.ID] = m
		p.Team = append(p.Team, newTeamRow(reader, m, now))
	}
	for _, k := range keys {
		row := templates.KeyRow{ID: k.ID, Name: who[k.Staff].Name, Since: templates.NewStamp(k.CreatedAt, now), Current: who[k.Staff].Active}
		if k.Staff == reader.ID || mayManage(reader, who[k.Staff]).Allowed() {
			row.EndURL = "/settings/keys/" + strconv.FormatInt(k.ID, 10) + "/end"
		}
		p.Keys = append(p.Keys, row)
	}
	return p
}

func mayManage(reader, who bridge.Staff) bridge.Decision {
	return bridge.Decide(reader.Actor(), bridge.DoManageTeam, &bridge.Facts{Who: who.Actor()})
}

// roleTicks are the roles that the reader may give.
func roleTicks(reader bridge.Staff, now bridge.Role) (out []templates.Tick) {
	for _, r := range bridge.Roles {
		if r == now || mayManage(reader, bridge.Staff{Role: r}).Allowed() {
			out = append(out, templates.Tick{Value: string(r), Text: r.Title(), On: r == now})
		}
	}
	return out
}

func newTeamRow(reader, m bridge.Staff, now time.Time) templates.TeamRow {
	row := templates.TeamRow{Person: web.NewPerson(m), Email: m.Email, Phone: bridge.PrettyAddress(string(m.Phone)), Since: templates.NewStamp(m.CreatedAt, now), State: templates.Badge{Tone: "ok", Icon: "tick", Text: "Active"}}
	switch {
	case !m.Active:
		row.State = templates.Badge{Icon: "ban", Text: "Switched off"}
	case m.Invited:
		row.State = templates.Badge{Tone: "warn", Icon: "clock", Text: "Invited"}
	}
	at, d := teamURL(m.ID), mayManage(reader, m)
	if d.Allowed() || m.ID == reader.ID {
		row.PhoneURL = at + "/phone"
	}
	if !d.Allowed() {
		row.Why = d.Sentence
		return row
	}
	row.Roles, row.RoleURL, row.SwitchURL, row.SwitchText = roleTicks(reader, m.Role), at+"/role", at+"/switch", "Switch off"
	if !m.Active {
		row.SwitchText = "Switch on"
	} else if m.Invited {
		row.ReinviteURL = at + "/link"
	}
	return row
}

// hire invites somebody. The link is shown in this answer and nowhere else, so the
// answer is the page itself: an address that could be opened again would keep it.
func (s *Inbox) hire(c *gin.Context) error {
	secret, hash := bridge.NewSecret()
	p := bridge.Staff{Name: c.PostForm("name"), Email: c.PostForm("email"), Role: bridge.Role(c.PostForm("role"))}
	made, err := s.in.InviteStaff(c.Request.Context(), me(c), p, hash)
	if bad, ok := wrong(err); ok {
		return s.showTeam(c, http.StatusUnprocessableEntity, func(v *templates.TeamPage) {
			v.Name, v.Email, v.Bad = strings.TrimSpace(p.Name), strings.TrimSpace(p.Email), bad
			v.Gives = roleTicks(me(c), p.Role)
			if _, err := bridge.ParseRole(string(p.Role)); err != nil {
				v.Gives = roleTicks(me(c), bridge.Admin)
			}
		})
	}
	if err != nil {
		return err
	}
	return s.showLink(c, made, secret)
}

// rehire makes another link for somebody who has not come in yet.
func (s *Inbox) rehire(c *gin.Context) error {
	p, err := s.member(c)
	if err != nil {
		return err
	}
	secret, hash := bridge.NewSecret()
	if err := s.in.ReinviteStaff(c.Request.Context(), me(c), p.ID, hash); err != nil {
		return err
	}
	return s.showLink(c, p, secret)
}

func (s *Inbox) showLink(c *gin.Context, p bridge.Staff, secret string) error {
	return s.showTeam(c, http.StatusCreated, func(v *templates.TeamPage) {
		v.Link = &templates.InviteLink{Name: p.Name, URL: s.PublicURL + "/welcome/" + secret, Until: s.now().AddDate(0, 0, 7).Format("Mon 2 Jan, 15:04")}
	})
}

// member finds whom the path names.
func (s *Inbox) member(c *gin.Context) (p bridge.Staff, err error) {
	id, err := web.ID[bridge.StaffID](c, "id")
	if err != nil {
		return p, err
	}
	err = s.look(c.Request.Context(), func(tx *data.Tx) (err error) { p, err = tx.StaffMember(id); return err })
	return p, err
}

func (s *Inbox) setRole(c *gin.Context) error {
	id, err := web.ID[bridge.StaffID](c, "id")
	if err != nil {
		return err
	}
	if err := s.in.SetRole(c.Request.Context(), me(c).Actor(), id, bridge.Role(c.PostForm("role"))); err != nil {
		return err
	}
	return leadTo(c, "/settings/team", "role")
}

func (s *Inbox) setPhone(c *gin.Context) error {
	id, err := web.ID[bridge.StaffID](c, "id")
	if err != nil {
		return err
	}
	err = s.in.SetPhone(c.Request.Context(), me(c).Actor(), id, c.PostForm("phone"))
	if bad, ok := wrong(err); ok {
		return s.showTeam(c, http.StatusUnprocessableEntity, func(v *templates.TeamPage) {
			v.Bad = bad
			for i := range v.Team {
				if row := &v.Team[i]; row.PhoneURL == teamURL(id)+"/phone" {
					row.Phone, row.PhoneBad = c.PostForm("phone"), true
				}
			}
		})
	}
	if err != nil {
		return err
	}
	return leadTo(c, "/settings/team", "phone")
}

func teamURL(id bridge.StaffID) string { return "/settings/team/" + strconv.FormatInt(int64(id), 10) }

// switchPage says what happens before it does.
func (s *Inbox) switchPage(c *gin.Context) error {
	p, err := s.member(c)
	if err != nil {
		return err
	}
	if err := mayManage(me(c), p).Err(); err != nil {
		return err
	}
	v := templates.SwitchPage{
		SettingsShell: s.settingsShell(c, p.Name, "/settings/team"), Name: p.Name, Off: p.Active,
		Action: teamURL(p.ID) + "/switch",
	}
	if !p.Active {
		v.Heading, v.Button = "Switch "+p.Name+" on?", "Switch on"
		v.Says = []string{p.FirstName() + " can sign in again with the same email and password, and API keys work again.", "What was taken off them stays with whom it has now."}
		return s.Page(c, http.StatusOK, "settings-switch", v)
	}
	var assigned []bridge.ConversationID
	if err := s.look(c.Request.Context(), func(tx *data.Tx) (err error) { assigned, err = tx.AssignedTo(p.ID); return err }); err != nil {
		return err
	}
	v.Heading, v.Button = "Switch "+p.Name+" off?", "Switch off"
	v.Says = []string{
		p.FirstName() + " is signed out everywhere at once, and their API keys work no more.",
		"What they wrote stays, with their name.",
		assignedWords(len(assigned)),
		"Where nobody else of the office takes part in a conversation, you take part instead.",
		"You can switch them on again at any time.",
	}
	return s.Page(c, http.StatusOK, "settings-switch", v)
}

func assignedWords(n int) string {
	switch n {
	case 0:
		return "No conversation is assigned to them."
	case 1:
		return "The one conversation that is assigned to them becomes nobody's, so that the team sees it."
	}
	return "The " + strconv.Itoa(n) + " conversations that are assigned to them become nobody's, so that the team sees them."
}

func (s *Inbox) switchStaff(c *gin.Context) error {
	id, err := web.ID[bridge.StaffID](c, "id")
	if err != nil {
		return err
	}
	to := c.PostForm("to")
	if to != "on" && to != "off" {
		return &bridge.Invalid{Field: "to", Problem: "Say whether to switch the account on or off"}
	}
	if err := s.in.SwitchStaff(c.Request.Context(), me(c).Actor(), id, to == "on"); err != nil {
		return err
	}
	return leadTo(c, "/settings/team", to)
}

func (s *Inbox) endKey(c *gin.Context) error {
	id, err := web.ID[int64](c, "id")
	if err != nil {
		return err
	}
	if err := s.in.EndKey(c.Request.Context(), me(c).Actor(), id); err != nil {
		return err
	}
	return leadTo(c, "/settings/team", "key")
}
