// The pages of people, records and settings: filters that answer while somebody
// types, and a conversation in a drawer over the table.
document.documentElement.dataset.js = '';
