/* recado.js -- comfort only: every page works without it.
   data-confirm="question" on a form or button asks first; data-auto-submit sends a filter when it is chosen;
   data-poll="address" asks for {done, total, text, is_over} every two seconds; the menu and details with
   data-fold start folded on a phone;
   data-key="1" on a button or link: this key presses it;
   data-fills="name" on a list: choosing puts the option's data-fill into that field, unless somebody wrote there;
   data-turns-off="name": while something stands in this field, the check box of that name is off;
   the first field with an error has the focus;
   / goes to the search box, n makes a new entry, ? opens the help of this screen. */
(function () {
	"use strict";
	var narrow = window.matchMedia("(max-width: 59.99rem)");
	var menu = document.querySelector(".menu details");

	function fold() {
		if (menu) menu.open = !narrow.matches;
	}
	fold();
	if (window.matchMedia("(max-width: 40rem)").matches)
		document.querySelectorAll("details[data-fold]").forEach(function (d) {
			d.open = false;
		});
	if (narrow.addEventListener) narrow.addEventListener("change", fold);

	document.addEventListener("submit", function (e) {
		var by = e.submitter, form = e.target;
		var question = (by && by.getAttribute("data-confirm")) || form.getAttribute("data-confirm");

		if (question && !window.confirm(question)) {
			e.preventDefault();
			return;
		}
		if (form.method === "post" && !(by && by.formTarget)) { // what opens elsewhere leaves this form in use
			if (form.dataset.sent) {
				e.preventDefault();
				return;
			}
			form.dataset.sent = "1";
		}
	});
	window.addEventListener("pageshow", function () {
		document.querySelectorAll("form[data-sent]").forEach(function (f) {
			delete f.dataset.sent;
		});
	});

	function fill(list) {
		var to = list.form.elements[list.dataset.fills], text = (list.selectedOptions[0] || list).dataset.fill || "";

		if (!to || (to.value !== "" && to.value !== to.dataset.filled)) return;
		to.value = to.dataset.filled = text;
	}
	function turnOff(input) {
		var box = input.form.elements[input.dataset.turnsOff];

		if (box) box.disabled = input.value !== "";
	}
	document.querySelectorAll("[data-turns-off]").forEach(turnOff);
	document.addEventListener("input", function (e) {
		if (e.target.matches("[data-turns-off]")) turnOff(e.target);
	});
	document.addEventListener("change", function (e) {
		if (e.target.matches("[data-fills]")) fill(e.target);
		if (e.target.matches("[data-auto-submit]") && e.target.form) e.target.form.requestSubmit();
		if (e.target.matches("[data-check-all]"))
			document.querySelectorAll('input[type=checkbox][name="' + e.target.dataset.checkAll + '"]').forEach(function (b) {
				b.checked = e.target.checked;
			});
	});

	document.addEventListener("keydown", function (e) {
		var to = { "/": 'input[type=search]', n: 'main a[rel=new], main .head a.main', "?": 'a[rel=help]' }[e.key];
		if (!to && /^[0-9]$/.test(e.key)) to = '[data-key="' + e.key + '"]';
		var found = to && !e.ctrlKey && !e.metaKey && !e.altKey && !e.target.closest("input, textarea, select, [contenteditable]") &&
			document.querySelector(to);

		if (!found) return;
		e.preventDefault();
		if (found.matches("input")) {
			found.focus();
			found.select();
		} else found.click();
	});

	function poll(box) {
		fetch(box.dataset.poll, { headers: { Accept: "application/json" }, credentials: "same-origin" })
			.then(function (r) {
				if (!r.ok) throw new Error(r.status);
				return r.json();
			})
			.then(function (d) {
				var bar = box.querySelector("progress"), text = box.querySelector("[role=status]");

				if (bar && d.total > 0) {
					bar.max = d.total;
					bar.value = d.done;
				}
				if (text && d.text) text.textContent = d.text;
				if (d.is_over) window.location.reload();
				else window.setTimeout(poll, 2000, box);
			})
			.catch(function () {
				window.setTimeout(poll, 10000, box);
			});
	}
	document.querySelectorAll("[data-poll]").forEach(poll);
	var wrong = document.querySelector("main [aria-invalid=true]");
	if (wrong) wrong.focus();
})();
