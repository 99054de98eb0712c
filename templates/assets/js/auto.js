// Another portal of the business has signed them in already: nobody has to press.
document.querySelector('[data-auto]')?.requestSubmit();
