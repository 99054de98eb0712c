package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

func (a *API) mountContacts(h huma.API) {
	tags := []string{"Contacts"}
	huma.Register(h, huma.Operation{
		OperationID: "list-contacts", Method: http.MethodGet, Path: "/api/v1/contacts", Tags: tags, Errors: []int{401, 403, 422},
		Summary: "Contacts by name", Description: "Filters go together. external_id and phone find by the exact value.",
	}, a.contacts)
	huma.Register(h, huma.Operation{
		OperationID: "get-contact", Method: http.MethodGet, Path: "/api/v1/contacts/{id}", Tags: tags, Errors: []int{401, 403, 404},
		Summary: "One contact", Description: "A contact that turned out to be another has merged_into, and is not changed any more.",
	}, a.contact)
	huma.Register(h, huma.Operation{
		OperationID: "add-contact", Method: http.MethodPost, Path: "/api/v1/contacts", Tags: tags, DefaultStatus: http.StatusCreated, Errors: []int{401, 403, 409, 422}, MaxBodyBytes: maxBody,
		Summary:     "Add a contact",
		Description: "It needs a name, a phone number or an email. Give the CRM's own id as external_id: then a request whose answer was lost can be sent again, and answers 409 with existing_id. Two contacts may share a phone number, as a household does.",
	}, a.addContact)
	huma.Register(h, huma.Operation{
		OperationID: "change-contact", Method: http.MethodPatch, Path: "/api/v1/contacts/{id}", Tags: tags, Errors: []int{401, 403, 404, 409, 422}, MaxBodyBytes: maxBody,
		Summary:     "Change a contact",
		Description: "A merge patch: what is absent stays, null empties. phones and emails are replaced whole. A number that is not among them any more is somebody else's from then on: the next text from it is from a new contact, who sees nothing of what was said before.",
	}, a.changeContact)
}

// Contact is a contact in the API.
type Contact struct {
	ID          string     `json:"id" example:"12"`
	ExternalID  string     `json:"external_id,omitempty" doc:"The CRM's own id" example:"crm-4711"`
	Name        string     `json:"name" doc:"Empty while nobody has given one" example:"Priya Raman"`
	Title       string     `json:"title" doc:"The name, or else the number" example:"Priya Raman"`
	Company     string     `json:"company,omitempty" example:"Raman Lettings"`
	Side        string     `json:"side" enum:"customer,tenant,owner,service_pro,handyman"`
	Zone        string     `json:"zone,omitempty" doc:"IANA time zone; absent: the business's" example:"America/Los_Angeles"`
	Notify      string     `json:"notify" enum:",text,email,both,none" doc:"How they want to hear of messages; empty: as the kind of the conversation says"`
	Language    string     `json:"language,omitempty" doc:"Of the portal and mails; absent: the business's" example:"es"`
	Portal      *Portal    `json:"portal,omitempty" doc:"Their way into the portal; only with one contact, not in lists"`
	Busy        bool       `json:"busy" doc:"What service pros and handymen say of themselves"`
	Phones      []string   `json:"phones" example:"[\"+14155550134\"]"`
	Emails      []string   `json:"emails" example:"[\"priya@example.com\"]"`
	Addresses   []Address  `json:"addresses" doc:"The same phones and emails with what is known of them, and senders that are no number"`
	Connected   bool       `json:"connected" doc:"They accepted an invitation or used a link"`
	ConnectedAt *time.Time `json:"connected_at,omitempty"`
	InvitedAt   *time.Time `json:"invited_at,omitempty"`
	MergedInto  string     `json:"merged_into,omitempty" doc:"Id of the contact that this one turned out to be"`
	CreatedAt   time.Time  `json:"created_at"`
}

// Portal is how a contact stands to the portal.
type Portal struct {
	Links      int64      `json:"links" doc:"How many links still work"`
	Devices    int64      `json:"devices" doc:"On how many they are signed in"`
	LastSeenAt *time.Time `json:"last_seen_at,omitempty"`
}

// Address is a phone number or an email in the API.
type Address struct {
	Channel    string `json:"channel" enum:"sms,email"`
	Value      string `json:"value" example:"+14155550134"`
	Answerable bool   `json:"answerable" doc:"false: no text can go there, such as to a short code"`
	OptedOut   bool   `json:"opted_out" doc:"They texted STOP"`
	Problem    string `json:"problem,omitempty" doc:"Why texts or mails to it fail" example:"Landline: it cannot receive texts"`
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func newContact(c bridge.Contact) Contact {
	out := Contact{
		ID: id(c.ID), ExternalID: c.External, Name: c.Name, Title: c.Title(), Company: c.Company, Side: string(c.Side), Zone: c.Zone, Busy: c.Busy,
		Phones: []string{}, Emails: []string{}, Addresses: []Address{}, Connected: c.Connected(), ConnectedAt: moment(c.ConnectedAt),
		Notify: string(c.Told), Language: c.Language, InvitedAt: moment(c.InvitedAt), MergedInto: id(c.MergedInto), CreatedAt: c.CreatedAt.UTC(),
	}
	for _, a := range c.Addresses {
		out.Addresses = append(out.Addresses, Address{string(a.Channel), a.Value, a.Answerable, a.OptedOut, a.Problem})
		if a.Channel == bridge.Email {
			out.Emails = append(out.Emails, a.Value)
		} else if _, err := bridge.ParsePhone(a.Value); err == nil {
			out.Phones = append(out.Phones, a.Value)
		}
	}
	return out
}

type contactsInput struct {
	Words     string `query:"words" maxLength:"200" doc:"All of them, in the name, company, a number or an email"`
	Side      string `query:"side" enum:"customer,tenant,owner,service_pro,handyman"`
	Connected string `query:"connected" enum:"yes,invited,no"`
	Status    string `query:"status" enum:"available,busy" doc:"Of service pros and handymen"`
	External  string `query:"external_id" maxLength:"100" doc:"The one with this id of the CRM"`
	Phone     string `query:"phone" maxLength:"40" doc:"Those who have this number"`
	After     string `query:"after" maxLength:"2000" doc:"next of the page before"`
	Limit     int    `query:"limit" default:"50" minimum:"1" maximum:"200"`
}

type contactsOutput struct {
	Body struct {
		Contacts []Contact `json:"contacts"`
		Next     string    `json:"next,omitempty" doc:"Give it as after to get the next page; absent at the end"`
	}
}

func (a *API) contacts(ctx context.Context, in *contactsInput) (*contactsOutput, error) {
	out := &contactsOutput{}
	out.Body.Contacts = []Contact{}
	err := may(ctx, bridge.DoSeePeople)
	if err != nil {
		return nil, trouble(ctx, err)
	}
	f := data.ContactFilter{Words: in.Words, Side: bridge.Side(in.Side), Connected: in.Connected, Status: in.Status, External: in.External}
	if in.Phone != "" {
		phone, err := a.in.ParsePhone(in.Phone)
		if err != nil {
			return nil, trouble(ctx, err)
		}
		f.Phone = string(phone)
	}
	var after int64
	if f.After, after, err = parseCursor(in.After); err != nil {
		return nil, trouble(ctx, err)
	}
	f.AfterID = bridge.ContactID(after)
	err = a.store.Read(ctx, func(tx *data.Tx) error {
		cs, err := tx.Contacts(f, in.Limit+1)
		if len(cs) > in.Limit {
			cs = cs[:in.Limit]
			last := cs[len(cs)-1]
			out.Body.Next = cursor(data.SortName(last), int64(last.ID))
		}
		for _, c := range cs {
			out.Body.Contacts = append(out.Body.Contacts, newContact(c))
		}
		return err
	})
	return out, trouble(ctx, err)
}

type idInput struct {
	ID int64 `path:"id" minimum:"1"`
}

type contactOutput struct {
	Location string `header:"Location" doc:"Where the contact is"`
	Body     Contact
}

func contactAnswer(c bridge.Contact) *contactOutput {
	return &contactOutput{"/api/v1/contacts/" + id(c.ID), newContact(c)}
}

func (a *API) contact(ctx context.Context, in *idInput) (*contactOutput, error) {
	if err := may(ctx, bridge.DoSeePeople); err != nil {
		return nil, trouble(ctx, err)
	}
	var c bridge.Contact
	var access data.PortalAccess
	err := a.store.Read(ctx, func(tx *data.Tx) (err error) {
		if c, err = tx.Contact(bridge.ContactID(in.ID)); err != nil {
			return err
		}
		access, err = tx.PortalAccess(c.ID, a.in.Now())
		return err
	})
	if err != nil {
		return nil, trouble(ctx, err)
	}
	out := contactAnswer(c)
	out.Body.Portal = &Portal{access.Links, access.Devices, moment(access.Seen)}
	return out, nil
}

type addContactInput struct {
	Body struct {
		ExternalID string   `json:"external_id,omitempty" maxLength:"100" doc:"The CRM's own id, unique" example:"crm-4711"`
		Name       string   `json:"name,omitempty" maxLength:"100" example:"Priya Raman"`
		Company    string   `json:"company,omitempty" maxLength:"100"`
		Side       string   `json:"side,omitempty" enum:"customer,tenant,owner,service_pro,handyman" default:"customer"`
		Zone       string   `json:"zone,omitempty" example:"America/Los_Angeles"`
		Notify     string   `json:"notify,omitempty" enum:"text,email,both,none"`
		Language   string   `json:"language,omitempty" example:"es"`
		Busy       bool     `json:"busy,omitempty"`
		Phones     []string `json:"phones,omitempty" maxItems:"20" example:"[\"+1 415 555 0134\"]"`
		Emails     []string `json:"emails,omitempty" maxItems:"20" example:"[\"priya@example.com\"]"`
	}
}

// contactNames are fields of a contact as the API calls them.
var contactNames = []string{"phone", "phones", "email", "emails"}

func (a *API) addContact(ctx context.Context, in *addContactInput) (*contactOutput, error) {
	b := &in.Body
	side, err := bridge.ParseSide(b.Side)
	if err != nil {
		return nil, trouble(ctx, err)
	}
	ch := intake.ContactChange{Name: &b.Name, Company: &b.Company, Zone: &b.Zone, Side: &side, Busy: &b.Busy, Phones: b.Phones, Emails: b.Emails,
		Told: (*bridge.Told)(&b.Notify), Language: &b.Language}
	if b.ExternalID != "" {
		ch.External = &b.ExternalID
	}
	c, err := a.in.AddContact(ctx, actor(ctx), ch)
	if err != nil {
		return nil, trouble(ctx, err, contactNames...)
	}
	return contactAnswer(c), nil
}

type changeContactInput struct {
	ID   int64 `path:"id" minimum:"1"`
	Body struct {
		ExternalID Patch[string]   `json:"external_id,omitempty" maxLength:"100"`
		Name       Patch[string]   `json:"name,omitempty" maxLength:"100"`
		Company    Patch[string]   `json:"company,omitempty" maxLength:"100"`
		Side       Patch[string]   `json:"side,omitempty" doc:"As in a contact; null is customer"`
		Zone       Patch[string]   `json:"zone,omitempty"`
		Notify     Patch[string]   `json:"notify,omitempty" doc:"text, email, both or none; null or empty: as the kind of the conversation says"`
		Language   Patch[string]   `json:"language,omitempty" doc:"null: the business's"`
		Busy       Patch[bool]     `json:"busy,omitempty"`
		Phones     Patch[[]string] `json:"phones,omitempty" maxItems:"20" doc:"All of them"`
		Emails     Patch[[]string] `json:"emails,omitempty" maxItems:"20" doc:"All of them"`
	}
}

func (a *API) changeContact(ctx context.Context, in *changeContactInput) (*contactOutput, error) {
	b := &in.Body
	ch := intake.ContactChange{
		Name: b.Name.pointer(), Company: b.Company.pointer(), Zone: b.Zone.pointer(), Busy: b.Busy.pointer(), External: b.ExternalID.pointer(),
		Told: (*bridge.Told)(b.Notify.pointer()), Language: b.Language.pointer(),
		OnlyPhones: b.Phones.pointer(), OnlyEmails: b.Emails.pointer(),
	}
	if b.Side.Given {
		side, err := bridge.ParseSide(b.Side.Value)
		if err != nil {
			return nil, trouble(ctx, err)
		}
		ch.Side = &side
	}
	c, err := a.in.EditContact(ctx, actor(ctx), bridge.ContactID(in.ID), ch)
	if err != nil {
		return nil, trouble(ctx, err, contactNames...)
	}
	return contactAnswer(c), nil
}
