package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

func (a *API) mountRecords(h huma.API) {
	tags := []string{"Records"}
	huma.Register(h, huma.Operation{
		OperationID: "list-records", Method: http.MethodGet, Path: "/api/v1/records", Tags: tags, Errors: []int{401, 403, 422},
		Summary: "Jobs, quotes, projects and maintenance requests, newest first", Description: "type and reference together find one by what people call it.",
	}, a.records)
	huma.Register(h, huma.Operation{
		OperationID: "get-record", Method: http.MethodGet, Path: "/api/v1/records/{id}", Tags: tags, Errors: []int{401, 403, 404},
		Summary: "One record",
	}, a.record)
	huma.Register(h, huma.Operation{
		OperationID: "add-record", Method: http.MethodPost, Path: "/api/v1/records", Tags: tags, DefaultStatus: http.StatusCreated, Errors: []int{401, 403, 409, 422}, MaxBodyBytes: maxBody,
		Summary:     "Add a record",
		Description: "A reference is unique within its type. One that is there answers 409 with existing_id, so that a program can add first and change what it finds. Contacts are named by id or by external_id, the client first; staff by id or email.",
	}, a.addRecord)
	huma.Register(h, huma.Operation{
		OperationID: "change-record", Method: http.MethodPatch, Path: "/api/v1/records/{id}", Tags: tags, Errors: []int{401, 403, 404, 409, 422}, MaxBodyBytes: maxBody,
		Summary:     "Change a record",
		Description: "A merge patch: what is absent stays, null empties. contacts and staff are replaced whole. The type does not change.",
	}, a.changeRecord)
}

// Record is a record in the API.
type Record struct {
	ID             string          `json:"id" example:"7"`
	Type           string          `json:"type" enum:"job,quote,project,maintenance"`
	Reference      string          `json:"reference" doc:"What people call it; unique within its type" example:"1042"`
	Title          string          `json:"title" example:"Boiler replacement"`
	ProjectType    string          `json:"project_type,omitempty" example:"Standard"`
	Stage          string          `json:"stage,omitempty" example:"Construction"`
	SentToPortal   bool            `json:"sent_to_portal" doc:"Of a quote: without it nobody can be written to about it"`
	SentToPortalAt *time.Time      `json:"sent_to_portal_at,omitempty"`
	SubmittedBy    *RecordContact  `json:"submitted_by,omitempty" doc:"The tenant who made the request"`
	Quota          int64           `json:"quota" doc:"Bytes of files that it may hold; 0: no limit"`
	Closed         bool            `json:"closed"`
	CreatedAt      time.Time       `json:"created_at"`
	Contacts       []RecordContact `json:"contacts" doc:"The client first"`
	Staff          []RecordStaff   `json:"staff" doc:"Who is assigned"`
}

// RecordContact is a contact of a record, named by either id.
type RecordContact struct {
	ID         string `json:"id,omitempty" example:"12"`
	ExternalID string `json:"external_id,omitempty" doc:"The CRM's own id; counts where there is no id" example:"crm-4711"`
	Name       string `json:"name,omitempty" doc:"Only in answers; a request's is not read"`
}

// RecordStaff is somebody who is assigned to a record, named by id or email.
type RecordStaff struct {
	ID    string `json:"id,omitempty" example:"3"`
	Email string `json:"email,omitempty" doc:"Counts where there is no id" example:"jo@example.com"`
	Name  string `json:"name,omitempty" doc:"Only in answers; a request's is not read"`
}

// newRecords makes records with their people for an answer.
func newRecords(tx *data.Tx, rs []bridge.Record) ([]Record, error) {
	var ids []bridge.ContactID
	for _, r := range rs {
		ids = append(append(ids, r.Contacts...), r.SubmittedBy)
	}
	slices.Sort(ids)
	cs, err := tx.ContactsByID(slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	contacts := map[bridge.ContactID]RecordContact{}
	for _, c := range cs {
		contacts[c.ID] = RecordContact{id(c.ID), c.External, c.Title()}
	}
	team, err := tx.Staff()
	if err != nil {
		return nil, err
	}
	out := make([]Record, len(rs))
	for i, r := range rs {
		out[i] = Record{
			ID: id(r.ID), Type: string(r.Type), Reference: r.Reference, Title: r.Title, ProjectType: r.ProjectType, Stage: r.Stage,
			SentToPortal: !r.SentToPortal.IsZero(), SentToPortalAt: moment(r.SentToPortal), Quota: r.Quota, Closed: r.Closed, CreatedAt: r.CreatedAt.UTC(),
			Contacts: []RecordContact{}, Staff: []RecordStaff{},
		}
		for _, c := range r.Contacts {
			out[i].Contacts = append(out[i].Contacts, contacts[c])
		}
		for _, s := range team {
			if slices.Contains(r.Staff, s.ID) {
				out[i].Staff = append(out[i].Staff, RecordStaff{id(s.ID), s.Email, s.Name})
			}
		}
		if by, ok := contacts[r.SubmittedBy]; ok {
			out[i].SubmittedBy = &by
		}
	}
	return out, nil
}

type recordsInput struct {
	Words     string `query:"words" maxLength:"200" doc:"All of them, in the reference or the title"`
	Type      string `query:"type" enum:"job,quote,project,maintenance"`
	Reference string `query:"reference" maxLength:"40" doc:"Exactly this one; goes with type"`
	Open      bool   `query:"open" doc:"Only those that are not closed"`
	After     string `query:"after" maxLength:"100" doc:"next of the page before"`
	Limit     int    `query:"limit" default:"50" minimum:"1" maximum:"200"`
}

type recordsOutput struct {
	Body struct {
		Records []Record `json:"records"`
		Next    string   `json:"next,omitempty" doc:"Give it as after to get the next page; absent at the end"`
	}
}

func (a *API) records(ctx context.Context, in *recordsInput) (*recordsOutput, error) {
	out := &recordsOutput{}
	if err := may(ctx, bridge.DoSeePeople); err != nil {
		return nil, trouble(ctx, err)
	}
	_, before, err := parseCursor(in.After)
	if err == nil && in.Reference != "" && in.Type == "" {
		err = &bridge.Invalid{Field: "type", Problem: "Give the type with the reference: a job and a quote may have the same"}
	}
	if err != nil {
		return nil, trouble(ctx, err)
	}
	f := data.RecordFilter{Words: in.Words, Type: bridge.RecordType(in.Type), Reference: in.Reference, Open: in.Open, Before: bridge.RecordID(before)}
	err = a.store.Read(ctx, func(tx *data.Tx) error {
		rs, err := tx.Records(f, in.Limit+1)
		if err != nil {
			return err
		}
		if len(rs) > in.Limit {
			rs = rs[:in.Limit]
			out.Body.Next = cursor("", int64(rs[len(rs)-1].ID))
		}
		if err := tx.FillRecords(rs); err != nil {
			return err
		}
		out.Body.Records, err = newRecords(tx, rs)
		return err
	})
	return out, trouble(ctx, err)
}

type recordOutput struct {
	Location string `header:"Location" doc:"Where the record is"`
	Body     Record
}

func (a *API) recordAnswer(ctx context.Context, id bridge.RecordID) (*recordOutput, error) {
	out := &recordOutput{Location: fmt.Sprintf("/api/v1/records/%d", id)}
	err := a.store.Read(ctx, func(tx *data.Tx) error {
		r, err := tx.Record(id)
		if err != nil {
			return err
		}
		rs, err := newRecords(tx, []bridge.Record{r})
		if err == nil {
			out.Body = rs[0]
		}
		return err
	})
	if err != nil {
		return nil, trouble(ctx, err)
	}
	return out, nil
}

func (a *API) record(ctx context.Context, in *idInput) (*recordOutput, error) {
	if err := may(ctx, bridge.DoSeePeople); err != nil {
		return nil, trouble(ctx, err)
	}
	return a.recordAnswer(ctx, bridge.RecordID(in.ID))
}

// people finds the contacts that a request names.
func (a *API) people(ctx context.Context, field string, named []RecordContact) (ids []bridge.ContactID, err error) {
	err = a.store.Read(ctx, func(tx *data.Tx) error {
		for i, n := range named {
			where := field
			if field == "contacts" {
				where = fmt.Sprintf("contacts[%d]", i)
			}
			who, err := parseID[bridge.ContactID](where, n.ID)
			if err != nil {
				return err
			}
			if who == 0 {
				if who, err = tx.ContactByExternal(n.ExternalID); err != nil || n.ExternalID == "" {
					return &bridge.Invalid{Field: where, Problem: "There is no contact with the external_id " + strings.TrimSpace(n.ExternalID)}
				}
			} else if _, err := tx.Contact(who); err != nil {
				return &bridge.Invalid{Field: where, Problem: "There is no contact " + n.ID}
			}
			ids = append(ids, who)
		}
		return nil
	})
	return ids, err
}

// team finds the staff that a request names.
func (a *API) team(ctx context.Context, named []RecordStaff) (ids []bridge.StaffID, err error) {
	err = a.store.Read(ctx, func(tx *data.Tx) error {
		team, err := tx.Staff()
		if err != nil {
			return err
		}
		for i, n := range named {
			at := slices.IndexFunc(team, func(s bridge.Staff) bool {
				return n.ID != "" && id(s.ID) == n.ID || n.ID == "" && strings.EqualFold(s.Email, n.Email)
			})
			if at < 0 {
				return &bridge.Invalid{Field: fmt.Sprintf("staff[%d]", i), Problem: "Nobody in the team has this id or email"}
			}
			ids = append(ids, team[at].ID)
		}
		return nil
	})
	return ids, err
}

type addRecordInput struct {
	Body struct {
		Type         string          `json:"type" enum:"job,quote,project,maintenance"`
		Reference    string          `json:"reference" maxLength:"40" example:"1042"`
		Title        string          `json:"title" maxLength:"200" example:"Boiler replacement"`
		ProjectType  string          `json:"project_type,omitempty" maxLength:"60"`
		Stage        string          `json:"stage,omitempty" maxLength:"60"`
		SentToPortal bool            `json:"sent_to_portal,omitempty" doc:"Of a quote"`
		SubmittedBy  *RecordContact  `json:"submitted_by,omitempty"`
		Quota        int64           `json:"quota,omitempty" minimum:"0"`
		Closed       bool            `json:"closed,omitempty"`
		Contacts     []RecordContact `json:"contacts,omitempty" maxItems:"100"`
		Staff        []RecordStaff   `json:"staff,omitempty" maxItems:"100"`
	}
}

func (a *API) addRecord(ctx context.Context, in *addRecordInput) (*recordOutput, error) {
	b := &in.Body
	ch := intake.RecordChange{
		Type: bridge.RecordType(b.Type), Reference: &b.Reference, Title: &b.Title, ProjectType: &b.ProjectType, Stage: &b.Stage, Closed: &b.Closed, Quota: &b.Quota,
	}
	if b.SentToPortal {
		ch.SentToPortal = &b.SentToPortal
	}
	var by []RecordContact
	if b.SubmittedBy != nil {
		by = []RecordContact{*b.SubmittedBy}
	}
	if err := a.name(ctx, &ch, &b.Contacts, &b.Staff, &by); err != nil {
		return nil, trouble(ctx, err)
	}
	r, err := a.in.AddRecord(ctx, actor(ctx), ch)
	if err != nil {
		return nil, trouble(ctx, err)
	}
	return a.recordAnswer(ctx, r.ID)
}

// name puts the people that a request names into a change; nil stays. Whether the
// key may is asked first, so that nobody learns here who exists.
func (a *API) name(ctx context.Context, ch *intake.RecordChange, contacts *[]RecordContact, staff *[]RecordStaff, by *[]RecordContact) error {
	if err := may(ctx, bridge.DoEditRecord); err != nil {
		return err
	}
	if contacts != nil {
		ids, err := a.people(ctx, "contacts", *contacts)
		if err != nil {
			return err
		}
		ch.Contacts = &ids
	}
	if staff != nil {
		ids, err := a.team(ctx, *staff)
		if err != nil {
			return err
		}
		ch.Staff = &ids
	}
	if by != nil {
		ids, err := a.people(ctx, "submitted_by", *by)
		if err != nil {
			return err
		}
		ch.SubmittedBy = new(bridge.ContactID)
		if len(ids) > 0 {
			*ch.SubmittedBy = ids[0]
		}
	}
	return nil
}

type changeRecordInput struct {
	ID   int64 `path:"id" minimum:"1"`
	Body struct {
		Reference    Patch[string]          `json:"reference,omitempty" maxLength:"40"`
		Title        Patch[string]          `json:"title,omitempty" maxLength:"200"`
		ProjectType  Patch[string]          `json:"project_type,omitempty" maxLength:"60"`
		Stage        Patch[string]          `json:"stage,omitempty" maxLength:"60"`
		SentToPortal Patch[bool]            `json:"sent_to_portal,omitempty"`
		SubmittedBy  Patch[*RecordContact]  `json:"submitted_by,omitempty"`
		Quota        Patch[int64]           `json:"quota,omitempty"`
		Closed       Patch[bool]            `json:"closed,omitempty"`
		Contacts     Patch[[]RecordContact] `json:"contacts,omitempty" maxItems:"100" doc:"All of them, the client first"`
		Staff        Patch[[]RecordStaff]   `json:"staff,omitempty" maxItems:"100" doc:"All who are assigned"`
	}
}

func (a *API) changeRecord(ctx context.Context, in *changeRecordInput) (*recordOutput, error) {
	b := &in.Body
	ch := intake.RecordChange{
		Reference: b.Reference.pointer(), Title: b.Title.pointer(), ProjectType: b.ProjectType.pointer(), Stage: b.Stage.pointer(),
		SentToPortal: b.SentToPortal.pointer(), Quota: b.Quota.pointer(), Closed: b.Closed.pointer(),
	}
	var by *[]RecordContact
	if b.SubmittedBy.Given {
		by = &[]RecordContact{}
		if b.SubmittedBy.Value != nil {
			by = &[]RecordContact{*b.SubmittedBy.Value}
		}
	}
	if err := a.name(ctx, &ch, b.Contacts.pointer(), b.Staff.pointer(), by); err != nil {
		return nil, trouble(ctx, err)
	}
	r, err := a.in.EditRecord(ctx, actor(ctx), bridge.RecordID(in.ID), ch)
	if err != nil {
		return nil, trouble(ctx, err)
	}
	return a.recordAnswer(ctx, r.ID)
}
