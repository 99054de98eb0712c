package intake_test

import (
	"errors"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

func (o *office) asks(asker bridge.Staff, q intake.Question) (d bridge.Decision, err error) {
	o.Helper()
	err = o.Store.Read(o.Context(), func(tx *data.Tx) (err error) { d, err = o.Asked(tx, asker, q); return err })
	return d, err
}

func TestAskedDecidesForAnybodyAndChangesNothing(t *testing.T) {
	eachOffice(t, func(o *office) {
		ctx := o.Context()
		name, side := "Tia Tenant", bridge.Tenant
		tia, err := o.AddContact(ctx, o.sam, intake.ContactChange{Name: &name, Side: &side})
		o.must(err)
		o.must(o.ChangeSettings(ctx, o.sam, func(s *bridge.Settings) error { s.Use(bridge.Landlord); s.PortalOn = true; return nil }))
		start := intake.Question{Contact: tia.ID, Do: bridge.DoStart, Start: intake.Start{Kind: bridge.KindDirect, Contact: 999, Phone: "+14155550177"}}
		if d, err := o.asks(o.sam, start); err != nil || d.Code != "not_connected" {
			t.Errorf("a tenant who is not connected: %+v %v", d, err)
		}
		o.write(func(tx *data.Tx) error { tia.ConnectedAt = noon; return tx.PutContact(tia) })
		if d, err := o.asks(o.sam, start); err != nil || !d.Allowed() {
			t.Errorf("a tenant who is: %+v %v", d, err)
		}
		conv, err := o.Start(ctx, o.jo, intake.Start{Kind: bridge.KindDirect, Contact: tia.ID, Body: "Hello"})
		o.must(err)
		reply := intake.Question{Contact: tia.ID, Do: bridge.DoReply, Conversation: conv}
		if d, err := o.asks(o.jo, reply); err != nil || !d.Allowed() {
			t.Errorf("the tenant answers: %+v %v", d, err)
		}
		if _, err := o.asks(o.sam, reply); !errors.Is(err, bridge.ErrNotFound) {
			t.Errorf("an asker who takes no part: %v", err)
		}
		var denied *bridge.Denied
		if _, err := o.asks(o.tradie, reply); !errors.As(err, &denied) || denied.Code != "role" {
			t.Errorf("a tradie asks: %v", err)
		}
		assign := intake.Question{Staff: o.jo.ID, Do: bridge.DoAssign, Conversation: conv, Who: o.tradie.ID}
		if d, err := o.asks(o.jo, assign); err != nil || !d.Allowed() {
			t.Errorf("assigning: %+v %v", d, err)
		}
		o.must(o.SwitchStaff(ctx, o.sam.Actor(), o.tradie.ID, false))
		if d, err := o.asks(o.jo, assign); err != nil || d.Code != "inactive" {
			t.Errorf("assigning to who left: %+v %v", d, err)
		}
		if d, err := o.asks(o.jo, intake.Question{Do: bridge.DoStart, Start: intake.Start{Kind: bridge.KindDirect, Contact: tia.ID}}); err != nil || d.Code != "starter" {
			t.Errorf("the system: %+v %v", d, err)
		}
		night := intake.Question{Staff: o.sam.ID, Do: bridge.DoStart, Start: intake.Start{Kind: bridge.KindTeam}, At: noon.Add(11 * time.Hour)}
		if d, err := o.asks(o.sam, night); err != nil || !d.NotBefore.IsZero() {
			t.Errorf("colleagues are told at once: %+v %v", d, err)
		}
	})
}

func TestAKindThatOnlyParticipantsSeeFromNowOnIsSeenBySomebody(t *testing.T) {
	eachOffice(t, func(o *office) {
		ctx := o.Context()
		o.must(o.ChangeSettings(ctx, o.sam, func(s *bridge.Settings) error { s.PortalOn = true; return nil }))
		name, ref, title := "Priya Raman", "1042", "Boiler"
		priya, err := o.AddContact(ctx, o.sam, intake.ContactChange{Name: &name, Phones: []string{priya}})
		o.must(err)
		job, err := o.AddRecord(ctx, o.sam, intake.RecordChange{Type: bridge.Job, Reference: &ref, Title: &title, Contacts: &[]bridge.ContactID{priya.ID}})
		o.must(err)
		conv, err := o.Start(ctx, o.jo, intake.Start{Kind: bridge.KindJob, Contact: priya.ID, Record: job.ID, Body: "Hello"})
		o.must(err)
		o.must(o.SwitchStaff(ctx, o.sam.Actor(), o.jo.ID, false)) // the whole team saw it, so nobody took their place
		o.must(o.ChangeSettings(ctx, o.sam, func(s *bridge.Settings) error {
			s.Policy(bridge.KindJob).SeenBy = bridge.ParticipantsOnly
			return nil
		}))
		err = o.Store.Read(ctx, func(tx *data.Tx) error { _, err := tx.Conversation(o.sam, conv); return err })
		if err != nil {
			t.Errorf("nobody sees it any more: %v", err)
		}
	})
}

func TestSwitchedOffByACommandTheirPlaceIsTakenByWhoRunsTheBusiness(t *testing.T) {
	eachOffice(t, func(o *office) {
		ctx := o.Context()
		name, side := "Tia Tenant", bridge.Tenant
		tia, err := o.AddContact(ctx, o.sam, intake.ContactChange{Name: &name, Side: &side})
		o.must(err)
		o.write(func(tx *data.Tx) error { tia.ConnectedAt = noon; return tx.PutContact(tia) })
		o.must(o.ChangeSettings(ctx, o.sam, func(s *bridge.Settings) error { s.Use(bridge.Landlord); return nil }))
		conv, err := o.Start(ctx, o.jo, intake.Start{Kind: bridge.KindDirect, Contact: tia.ID, Body: "Hello"})
		o.must(err)
		o.must(o.SwitchStaff(ctx, bridge.System, o.jo.ID, false))
		if err := o.Store.Read(ctx, func(tx *data.Tx) error { _, err := tx.Conversation(o.sam, conv); return err }); err != nil {
			t.Errorf("the owner does not see it: %v", err)
		}
	})
}
