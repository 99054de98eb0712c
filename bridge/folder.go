package bridge

// The groups of conversations in the sidebar, which people read as channels.

// A Folder groups conversations in the sidebar.
type Folder string

const (
	FolderTeam        Folder = "team"
	FolderCustomers   Folder = "customers"
	FolderPartners    Folder = "partners"
	FolderTenants     Folder = "tenants"
	FolderServicePros Folder = "service_pros"
	FolderOwners      Folder = "owners"
	FolderMaintenance Folder = "maintenance"
	FolderJobs        Folder = "jobs"
	FolderProjects    Folder = "projects"
)

// Folders lists every folder in the order of the sidebar.
var Folders = [...]Folder{FolderTeam, FolderCustomers, FolderJobs, FolderPartners, FolderTenants, FolderServicePros, FolderOwners, FolderMaintenance, FolderProjects}

// ParseFolder gives the empty Folder, which is all of them, for what it does not know.
func ParseFolder(s string) Folder {
	for _, f := range Folders {
		if string(f) == s {
			return f
		}
	}
	return ""
}

// Title is the folder in words.
func (f Folder) Title() string {
	switch f {
	case FolderTeam:
		return "Team"
	case FolderCustomers:
		return "Customers"
	case FolderPartners:
		return "Partners"
	case FolderTenants:
		return "Tenants"
	case FolderServicePros:
		return "Service pros"
	case FolderOwners:
		return "Owners"
	case FolderMaintenance:
		return "Maintenance requests"
	case FolderJobs:
		return "Jobs and quotes"
	case FolderProjects:
		return "Projects"
	}
	return "All"
}

// FolderOf is where a conversation of a kind with a contact of a side stands.
func FolderOf(k Kind, side Side) Folder {
	switch k {
	case KindTeam:
		return FolderTeam
	case KindPartner:
		return FolderPartners
	case KindMaintenance:
		return FolderMaintenance
	case KindTopic:
		return FolderProjects
	case KindJob:
		return FolderJobs
	case KindCustomer, KindDirect:
	}
	switch side {
	case Tenant:
		return FolderTenants
	case ServicePro:
		return FolderServicePros
	case PropertyOwner:
		return FolderOwners
	case Handyman:
		return FolderPartners
	case Customer:
	}
	return FolderCustomers
}

// Shows reports whether the preset's sidebar has a folder. One that holds
// conversations is shown all the same, for a switch of the preset hides nothing.
func (s *Settings) Shows(f Folder) bool {
	on := func(k Kind) bool { return s.Policy(k).On }
	switch f {
	case FolderTeam:
		return on(KindTeam)
	case FolderCustomers:
		return on(KindCustomer)
	case FolderPartners:
		return on(KindPartner)
	case FolderTenants, FolderServicePros:
		return on(KindDirect)
	case FolderOwners:
		return on(KindDirect) && s.Preset != Landlord
	case FolderMaintenance:
		return on(KindMaintenance)
	case FolderJobs:
		return on(KindJob)
	case FolderProjects:
		return on(KindTopic)
	}
	return false
}
