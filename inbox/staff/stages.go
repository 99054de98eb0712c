package staff

// The stages of projects, and in which of them people may write.

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/templates"
)

func (s *Inbox) stages(c *gin.Context) error {
	return s.showStages(c, http.StatusOK, nil)
}

// showStages shows the stages as they are, but for what edit puts on the page of a
// form that was refused.
func (s *Inbox) showStages(c *gin.Context, code int, edit func(*templates.StagesPage)) error {
	now, err := s.settingsNow(c)
	if err != nil {
		return err
	}
	p := templates.StagesPage{SettingsShell: s.settingsShell(c, "Stages of projects", "/settings/stages")}
	for i, t := range now.ProjectTypes() {
		var changes []bridge.StageChange
		for _, st := range now.StagesOf(t) {
			changes = append(changes, bridge.StageChange{Was: st.Name, Name: st.Name, Messages: st.Messages})
		}
		p.Types = append(p.Types, newStageType(t, i, changes))
	}
	if edit != nil {
		edit(&p)
	}
	return s.Page(c, code, "settings-stages", p)
}

func newStageType(name string, at int, stages []bridge.StageChange) templates.StageType {
	t := templates.StageType{Name: name, ID: "type" + strconv.Itoa(at)}
	for _, st := range stages {
		if st.Was == "" {
			t.Add = st.Name
			continue
		}
		t.Rows = append(t.Rows, templates.StageRow{Index: len(t.Rows), Was: st.Was, Name: st.Name, Messages: st.Messages, First: len(t.Rows) == 0})
	}
	if n := len(t.Rows); n > 0 {
		t.Rows[n-1].Last = true
	}
	return t
}

// readStages reads the stages of a type as a form has them: their order is that of
// the fields, a row without a name before is new, and the button that was pressed
// moves one or takes one away.
func readStages(c *gin.Context) []bridge.StageChange {
	was, names, may := c.PostFormArray("was"), c.PostFormArray("name"), c.PostFormArray("messages")
	var out []bridge.StageChange
	for i := range min(len(was), len(names)) {
		ch := bridge.StageChange{Was: was[i], Name: names[i], Messages: slices.Contains(may, strconv.Itoa(i))}
		if ch.Was == "" && strings.TrimSpace(ch.Name) == "" {
			continue // the empty row at the end
		}
		out = append(out, ch)
	}
	do, at, _ := strings.Cut(c.PostForm("do"), " ")
	i, err := strconv.Atoi(at)
	if err != nil || i < 0 || i >= len(out) {
		return out
	}
	switch do {
	case "remove":
		out[i].Gone = true
	case "up":
		if i > 0 {
			out[i-1], out[i] = out[i], out[i-1]
		}
	case "down":
		if i < len(out)-1 {
			out[i+1], out[i] = out[i], out[i+1]
		}
	}
	return out
}

func (s *Inbox) saveStages(c *gin.Context) error {
	kind, changes := c.PostForm("type"), readStages(c)
	err := s.in.ChangeStages(c.Request.Context(), me(c), kind, slices.Clone(changes))
	bad, ok := wrong(err)
	if !ok && err != nil {
		return err
	}
	if !ok {
		return leadTo(c, "/settings/stages", "saved")
	}
	return s.showStages(c, http.StatusUnprocessableEntity, func(p *templates.StagesPage) {
		p.Bad, p.BadType = bad, kind
		at := slices.IndexFunc(p.Types, func(t templates.StageType) bool { return t.Name == kind })
		if at < 0 {
			p.New = kind
			if len(changes) > 0 {
				p.NewStage = changes[0].Name
			}
			return
		}
		kept := newStageType(kind, at, changes)
		if do, _, _ := strings.Cut(c.PostForm("do"), " "); do == "remove" || len(kept.Rows) != len(p.Types[at].Rows) {
			return // what there is now is the only thing that can be edited on
		}
		p.Types[at] = kept
	})
}
