/*
** test_mustache.c -- every case of the public Mustache specification by its name (modules
** interpolation, sections, inverted, partials, comments, delimiters).
*/
#include "base_test.h"
#include "base/template.h"

struct example {
	const char *name, *data, *text, *expected;
	const char *partials[4]; /* name, text, name, text */
};

static const struct example interpolation[] = {
	{ "No Interpolation", "{}", "Hello from {Mustache}!\n", "Hello from {Mustache}!\n", { 0 } },
	{ "Basic Interpolation", "{\"subject\":\"world\"}", "Hello, {{subject}}!\n", "Hello, world!\n", { 0 } },
	{ "No Re-interpolation", "{\"template\":\"{{planet}}\",\"planet\":\"Earth\"}", "{{template}}: {{planet}}",
	  "{{planet}}: Earth", { 0 } },
	{ "HTML Escaping", "{\"forbidden\":\"& \\\" < >\"}", "These characters should be HTML escaped: {{forbidden}}\n",
	  "These characters should be HTML escaped: &amp; &quot; &lt; &gt;\n", { 0 } },
	{ "Triple Mustache", "{\"forbidden\":\"& \\\" < >\"}", "These characters should not be HTML escaped: {{{forbidden}}}\n",
	  "These characters should not be HTML escaped: & \" < >\n", { 0 } },
	{ "Ampersand", "{\"forbidden\":\"& \\\" < >\"}", "These characters should not be HTML escaped: {{&forbidden}}\n",
	  "These characters should not be HTML escaped: & \" < >\n", { 0 } },
	{ "Basic Integer Interpolation", "{\"mph\":85}", "\"{{mph}} miles an hour!\"", "\"85 miles an hour!\"", { 0 } },
	{ "Triple Mustache Integer Interpolation", "{\"mph\":85}", "\"{{{mph}}} miles an hour!\"",
	  "\"85 miles an hour!\"", { 0 } },
	{ "Ampersand Integer Interpolation", "{\"mph\":85}", "\"{{&mph}} miles an hour!\"", "\"85 miles an hour!\"", { 0 } },
	{ "Basic Decimal Interpolation", "{\"power\":1.210}", "\"{{power}} jiggawatts!\"", "\"1.21 jiggawatts!\"", { 0 } },
	{ "Triple Mustache Decimal Interpolation", "{\"power\":1.210}", "\"{{{power}}} jiggawatts!\"",
	  "\"1.21 jiggawatts!\"", { 0 } },
	{ "Ampersand Decimal Interpolation", "{\"power\":1.210}", "\"{{&power}} jiggawatts!\"", "\"1.21 jiggawatts!\"", { 0 } },
	{ "Basic Null Interpolation", "{\"cannot\":null}", "I ({{cannot}}) be seen!", "I () be seen!", { 0 } },
	{ "Triple Mustache Null Interpolation", "{\"cannot\":null}", "I ({{{cannot}}}) be seen!", "I () be seen!", { 0 } },
	{ "Ampersand Null Interpolation", "{\"cannot\":null}", "I ({{&cannot}}) be seen!", "I () be seen!", { 0 } },
	{ "Basic Context Miss Interpolation", "{}", "I ({{cannot}}) be seen!", "I () be seen!", { 0 } },
	{ "Triple Mustache Context Miss Interpolation", "{}", "I ({{{cannot}}}) be seen!", "I () be seen!", { 0 } },
	{ "Ampersand Context Miss Interpolation", "{}", "I ({{&cannot}}) be seen!", "I () be seen!", { 0 } },
	{ "Dotted Names - Basic Interpolation", "{\"person\":{\"name\":\"Joe\"}}",
	  "\"{{person.name}}\" == \"{{#person}}{{name}}{{/person}}\"", "\"Joe\" == \"Joe\"", { 0 } },
	{ "Dotted Names - Triple Mustache Interpolation", "{\"person\":{\"name\":\"Joe\"}}",
	  "\"{{{person.name}}}\" == \"{{#person}}{{{name}}}{{/person}}\"", "\"Joe\" == \"Joe\"", { 0 } },
	{ "Dotted Names - Ampersand Interpolation", "{\"person\":{\"name\":\"Joe\"}}",
	  "\"{{&person.name}}\" == \"{{#person}}{{&name}}{{/person}}\"", "\"Joe\" == \"Joe\"", { 0 } },
	{ "Dotted Names - Arbitrary Depth", "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"name\":\"Phil\"}}}}}}",
	  "\"{{a.b.c.d.e.name}}\" == \"Phil\"", "\"Phil\" == \"Phil\"", { 0 } },
	{ "Dotted Names - Broken Chains", "{\"a\":{}}", "\"{{a.b.c}}\" == \"\"", "\"\" == \"\"", { 0 } },
	{ "Dotted Names - Broken Chain Resolution", "{\"a\":{\"b\":{}},\"c\":{\"name\":\"Jim\"}}", "\"{{a.b.c.name}}\" == \"\"",
	  "\"\" == \"\"", { 0 } },
	{ "Dotted Names - Initial Resolution",
	  "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"name\":\"Phil\"}}}}},\"b\":{\"c\":{\"d\":{\"e\":{\"name\":\"Wrong\"}}}}}",
	  "\"{{#a}}{{b.c.d.e.name}}{{/a}}\" == \"Phil\"", "\"Phil\" == \"Phil\"", { 0 } },
	{ "Dotted Names - Context Precedence", "{\"a\":{\"b\":{}},\"b\":{\"c\":\"ERROR\"}}", "{{#a}}{{b.c}}{{/a}}", "", { 0 } },
	{ "Dotted Names are never single keys", "{\"a.b\":\"c\"}", "{{a.b}}", "", { 0 } },
	{ "Dotted Names - No Masking", "{\"a.b\":\"c\",\"a\":{\"b\":\"d\"}}", "{{a.b}}", "d", { 0 } },
	{ "Implicit Iterators - Basic Interpolation", "\"world\"", "Hello, {{.}}!\n", "Hello, world!\n", { 0 } },
	{ "Implicit Iterators - HTML Escaping", "\"& \\\" < >\"", "These characters should be HTML escaped: {{.}}\n",
	  "These characters should be HTML escaped: &amp; &quot; &lt; &gt;\n", { 0 } },
	{ "Implicit Iterators - Triple Mustache", "\"& \\\" < >\"", "These characters should not be HTML escaped: {{{.}}}\n",
	  "These characters should not be HTML escaped: & \" < >\n", { 0 } },
	{ "Implicit Iterators - Ampersand", "\"& \\\" < >\"", "These characters should not be HTML escaped: {{&.}}\n",
	  "These characters should not be HTML escaped: & \" < >\n", { 0 } },
	{ "Implicit Iterators - Basic Integer Interpolation", "85", "\"{{.}} miles an hour!\"", "\"85 miles an hour!\"", { 0 } },
	{ "Interpolation - Surrounding Whitespace", "{\"string\":\"---\"}", "| {{string}} |", "| --- |", { 0 } },
	{ "Triple Mustache - Surrounding Whitespace", "{\"string\":\"---\"}", "| {{{string}}} |", "| --- |", { 0 } },
	{ "Ampersand - Surrounding Whitespace", "{\"string\":\"---\"}", "| {{&string}} |", "| --- |", { 0 } },
	{ "Interpolation - Standalone", "{\"string\":\"---\"}", "  {{string}}\n", "  ---\n", { 0 } },
	{ "Triple Mustache - Standalone", "{\"string\":\"---\"}", "  {{{string}}}\n", "  ---\n", { 0 } },
	{ "Ampersand - Standalone", "{\"string\":\"---\"}", "  {{&string}}\n", "  ---\n", { 0 } },
	{ "Interpolation With Padding", "{\"string\":\"---\"}", "|{{ string }}|", "|---|", { 0 } },
	{ "Triple Mustache With Padding", "{\"string\":\"---\"}", "|{{{ string }}}|", "|---|", { 0 } },
	{ "Ampersand With Padding", "{\"string\":\"---\"}", "|{{& string }}|", "|---|", { 0 } },
};

static const struct example sections[] = {
	{ "Truthy", "{\"boolean\":true}", "\"{{#boolean}}This should be rendered.{{/boolean}}\"",
	  "\"This should be rendered.\"", { 0 } },
	{ "Falsey", "{\"boolean\":false}", "\"{{#boolean}}This should not be rendered.{{/boolean}}\"", "\"\"", { 0 } },
	{ "Null is falsey", "{\"null\":null}", "\"{{#null}}This should not be rendered.{{/null}}\"", "\"\"", { 0 } },
	{ "Context", "{\"context\":{\"name\":\"Joe\"}}", "\"{{#context}}Hi {{name}}.{{/context}}\"", "\"Hi Joe.\"", { 0 } },
	{ "Parent contexts", "{\"a\":\"foo\",\"b\":\"wrong\",\"sec\":{\"b\":\"bar\"},\"c\":{\"d\":\"baz\"}}",
	  "\"{{#sec}}{{a}}, {{b}}, {{c.d}}{{/sec}}\"", "\"foo, bar, baz\"", { 0 } },
	{ "Variable test", "{\"foo\":\"bar\"}", "\"{{#foo}}{{.}} is {{foo}}{{/foo}}\"", "\"bar is bar\"", { 0 } },
	{ "List Contexts",
	  "{\"tops\":[{\"tname\":{\"upper\":\"A\",\"lower\":\"a\"},\"middles\":[{\"mname\":\"1\",\"bottoms\":[{\"bname\":\"x\"},"
	  "{\"bname\":\"y\"}]}]}]}",
	  "{{#tops}}{{#middles}}{{tname.lower}}{{mname}}.{{#bottoms}}{{tname.upper}}{{mname}}{{bname}}.{{/bottoms}}"
	  "{{/middles}}{{/tops}}",
	  "a1.A1x.A1y.", { 0 } },
	{ "Deeply Nested Contexts",
	  "{\"a\":{\"one\":1},\"b\":{\"two\":2},\"c\":{\"three\":3,\"d\":{\"four\":4,\"five\":5}}}",
	  "{{#a}}\n{{one}}\n{{#b}}\n{{one}}{{two}}{{one}}\n{{#c}}\n{{one}}{{two}}{{three}}{{two}}{{one}}\n{{#d}}\n"
	  "{{one}}{{two}}{{three}}{{four}}{{three}}{{two}}{{one}}\n{{#five}}\n"
	  "{{one}}{{two}}{{three}}{{four}}{{five}}{{four}}{{three}}{{two}}{{one}}\n"
	  "{{one}}{{two}}{{three}}{{four}}{{.}}6{{.}}{{four}}{{three}}{{two}}{{one}}\n"
	  "{{one}}{{two}}{{three}}{{four}}{{five}}{{four}}{{three}}{{two}}{{one}}\n{{/five}}\n"
	  "{{one}}{{two}}{{three}}{{four}}{{three}}{{two}}{{one}}\n{{/d}}\n"
	  "{{one}}{{two}}{{three}}{{two}}{{one}}\n{{/c}}\n{{one}}{{two}}{{one}}\n{{/b}}\n{{one}}\n{{/a}}\n",
	  "1\n121\n12321\n1234321\n123454321\n12345654321\n123454321\n1234321\n12321\n121\n1\n", { 0 } },
	{ "List", "{\"list\":[{\"item\":1},{\"item\":2},{\"item\":3}]}", "\"{{#list}}{{item}}{{/list}}\"", "\"123\"", { 0 } },
	{ "Empty List", "{\"list\":[]}", "\"{{#list}}Yay lists!{{/list}}\"", "\"\"", { 0 } },
	{ "Doubled", "{\"bool\":true,\"two\":\"second\"}",
	  "{{#bool}}\n* first\n{{/bool}}\n* {{two}}\n{{#bool}}\n* third\n{{/bool}}\n", "* first\n* second\n* third\n", { 0 } },
	{ "Nested (Truthy)", "{\"bool\":true}", "| A {{#bool}}B {{#bool}}C{{/bool}} D{{/bool}} E |", "| A B C D E |", { 0 } },
	{ "Nested (Falsey)", "{\"bool\":false}", "| A {{#bool}}B {{#bool}}C{{/bool}} D{{/bool}} E |", "| A  E |", { 0 } },
	{ "Context Misses", "{}", "[{{#missing}}Found key 'missing'!{{/missing}}]", "[]", { 0 } },
	{ "Implicit Iterator - String", "{\"list\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", "\"{{#list}}({{.}}){{/list}}\"",
	  "\"(a)(b)(c)(d)(e)\"", { 0 } },
	{ "Implicit Iterator - Integer", "{\"list\":[1,2,3,4,5]}", "\"{{#list}}({{.}}){{/list}}\"", "\"(1)(2)(3)(4)(5)\"", { 0 } },
	{ "Implicit Iterator - Decimal", "{\"list\":[1.10,2.20,3.30,4.40,5.50]}", "\"{{#list}}({{.}}){{/list}}\"",
	  "\"(1.1)(2.2)(3.3)(4.4)(5.5)\"", { 0 } },
	{ "Implicit Iterator - Array", "{\"list\":[[1,2,3],[\"a\",\"b\",\"c\"]]}",
	  "\"{{#list}}({{#.}}{{.}}{{/.}}){{/list}}\"", "\"(123)(abc)\"", { 0 } },
	{ "Implicit Iterator - HTML Escaping", "{\"list\":[\"&\",\"\\\"\",\"<\",\">\"]}", "\"{{#list}}({{.}}){{/list}}\"",
	  "\"(&amp;)(&quot;)(&lt;)(&gt;)\"", { 0 } },
	{ "Implicit Iterator - Triple mustache", "{\"list\":[\"&\",\"\\\"\",\"<\",\">\"]}", "\"{{#list}}({{{.}}}){{/list}}\"",
	  "\"(&)(\")(<)(>)\"", { 0 } },
	{ "Implicit Iterator - Ampersand", "{\"list\":[\"&\",\"\\\"\",\"<\",\">\"]}", "\"{{#list}}({{&.}}){{/list}}\"",
	  "\"(&)(\")(<)(>)\"", { 0 } },
	{ "Implicit Iterator - Root-level", "[{\"value\":\"a\"},{\"value\":\"b\"}]", "\"{{#.}}({{value}}){{/.}}\"", "\"(a)(b)\"", { 0 } },
	{ "Dotted Names - Truthy", "{\"a\":{\"b\":{\"c\":true}}}", "\"{{#a.b.c}}Here{{/a.b.c}}\" == \"Here\"",
	  "\"Here\" == \"Here\"", { 0 } },
	{ "Dotted Names - Falsey", "{\"a\":{\"b\":{\"c\":false}}}", "\"{{#a.b.c}}Here{{/a.b.c}}\" == \"\"", "\"\" == \"\"", { 0 } },
	{ "Dotted Names - Broken Chains", "{\"a\":{}}", "\"{{#a.b.c}}Here{{/a.b.c}}\" == \"\"", "\"\" == \"\"", { 0 } },
	{ "Surrounding Whitespace", "{\"boolean\":true}", " | {{#boolean}}\t|\t{{/boolean}} | \n", " | \t|\t | \n", { 0 } },
	{ "Internal Whitespace", "{\"boolean\":true}", " | {{#boolean}} {{! Important Whitespace }}\n {{/boolean}} | \n",
	  " |  \n  | \n", { 0 } },
	{ "Indented Inline Sections", "{\"boolean\":true}", " {{#boolean}}YES{{/boolean}}\n {{#boolean}}GOOD{{/boolean}}\n",
	  " YES\n GOOD\n", { 0 } },
	{ "Standalone Lines", "{\"boolean\":true}", "| This Is\n{{#boolean}}\n|\n{{/boolean}}\n| A Line\n",
	  "| This Is\n|\n| A Line\n", { 0 } },
	{ "Indented Standalone Lines", "{\"boolean\":true}", "| This Is\n  {{#boolean}}\n|\n  {{/boolean}}\n| A Line\n",
	  "| This Is\n|\n| A Line\n", { 0 } },
	{ "Standalone Line Endings", "{\"boolean\":true}", "|\r\n{{#boolean}}\r\n{{/boolean}}\r\n|", "|\r\n|", { 0 } },
	{ "Standalone Without Previous Line", "{\"boolean\":true}", "  {{#boolean}}\n#{{/boolean}}\n/", "#\n/", { 0 } },
	{ "Standalone Without Newline", "{\"boolean\":true}", "#{{#boolean}}\n/\n  {{/boolean}}", "#\n/\n", { 0 } },
	{ "Padding", "{\"boolean\":true}", "|{{# boolean }}={{/ boolean }}|", "|=|", { 0 } },
};

static const struct example inverted[] = {
	{ "Falsey", "{\"boolean\":false}", "\"{{^boolean}}This should be rendered.{{/boolean}}\"",
	  "\"This should be rendered.\"", { 0 } },
	{ "Truthy", "{\"boolean\":true}", "\"{{^boolean}}This should not be rendered.{{/boolean}}\"", "\"\"", { 0 } },
	{ "Null is falsey", "{\"null\":null}", "\"{{^null}}This should be rendered.{{/null}}\"", "\"This should be rendered.\"", { 0 } },
	{ "Context", "{\"context\":{\"name\":\"Joe\"}}", "\"{{^context}}Hi {{name}}.{{/context}}\"", "\"\"", { 0 } },
	{ "List", "{\"list\":[{\"n\":1},{\"n\":2},{\"n\":3}]}", "\"{{^list}}{{n}}{{/list}}\"", "\"\"", { 0 } },
	{ "Empty List", "{\"list\":[]}", "\"{{^list}}Yay lists!{{/list}}\"", "\"Yay lists!\"", { 0 } },
	{ "Doubled", "{\"bool\":false,\"two\":\"second\"}",
	  "{{^bool}}\n* first\n{{/bool}}\n* {{two}}\n{{^bool}}\n* third\n{{/bool}}\n", "* first\n* second\n* third\n", { 0 } },
	{ "Nested (Falsey)", "{\"bool\":false}", "| A {{^bool}}B {{^bool}}C{{/bool}} D{{/bool}} E |", "| A B C D E |", { 0 } },
	{ "Nested (Truthy)", "{\"bool\":true}", "| A {{^bool}}B {{^bool}}C{{/bool}} D{{/bool}} E |", "| A  E |", { 0 } },
	{ "Context Misses", "{}", "[{{^missing}}Cannot find key 'missing'!{{/missing}}]", "[Cannot find key 'missing'!]", { 0 } },
	{ "Dotted Names - Truthy", "{\"a\":{\"b\":{\"c\":true}}}", "\"{{^a.b.c}}Not Here{{/a.b.c}}\" == \"\"", "\"\" == \"\"", { 0 } },
	{ "Dotted Names - Falsey", "{\"a\":{\"b\":{\"c\":false}}}", "\"{{^a.b.c}}Not Here{{/a.b.c}}\" == \"Not Here\"",
	  "\"Not Here\" == \"Not Here\"", { 0 } },
	{ "Dotted Names - Broken Chains", "{\"a\":{}}", "\"{{^a.b.c}}Not Here{{/a.b.c}}\" == \"Not Here\"",
	  "\"Not Here\" == \"Not Here\"", { 0 } },
	{ "Surrounding Whitespace", "{\"boolean\":false}", " | {{^boolean}}\t|\t{{/boolean}} | \n", " | \t|\t | \n", { 0 } },
	{ "Internal Whitespace", "{\"boolean\":false}", " | {{^boolean}} {{! Important Whitespace }}\n {{/boolean}} | \n",
	  " |  \n  | \n", { 0 } },
	{ "Indented Inline Sections", "{\"boolean\":false}", " {{^boolean}}NO{{/boolean}}\n {{^boolean}}WAY{{/boolean}}\n",
	  " NO\n WAY\n", { 0 } },
	{ "Standalone Lines", "{\"boolean\":false}", "| This Is\n{{^boolean}}\n|\n{{/boolean}}\n| A Line\n",
	  "| This Is\n|\n| A Line\n", { 0 } },
	{ "Standalone Indented Lines", "{\"boolean\":false}", "| This Is\n  {{^boolean}}\n|\n  {{/boolean}}\n| A Line\n",
	  "| This Is\n|\n| A Line\n", { 0 } },
	{ "Standalone Line Endings", "{\"boolean\":false}", "|\r\n{{^boolean}}\r\n{{/boolean}}\r\n|", "|\r\n|", { 0 } },
	{ "Standalone Without Previous Line", "{\"boolean\":false}", "  {{^boolean}}\n^{{/boolean}}\n/", "^\n/", { 0 } },
	{ "Standalone Without Newline", "{\"boolean\":false}", "^{{^boolean}}\n/\n  {{/boolean}}", "^\n/\n", { 0 } },
	{ "Padding", "{\"boolean\":false}", "|{{^ boolean }}={{/ boolean }}|", "|=|", { 0 } },
};

static const struct example partials[] = {
	{ "Basic Behavior", "{}", "\"{{>text}}\"", "\"from partial\"", { "text", "from partial" } },
	{ "Failed Lookup", "{}", "\"{{>text}}\"", "\"\"", { 0 } },
	{ "Context", "{\"text\":\"content\"}", "\"{{>partial}}\"", "\"*content*\"", { "partial", "*{{text}}*" } },
	{ "Recursion", "{\"content\":\"X\",\"nodes\":[{\"content\":\"Y\",\"nodes\":[]}]}", "{{>node}}", "X<Y<>>",
	  { "node", "{{content}}<{{#nodes}}{{>node}}{{/nodes}}>" } },
	{ "Nested", "{\"a\":\"hello\",\"b\":\"world\"}", "{{>outer}}", "*hello world!*",
	  { "outer", "*{{a}} {{>inner}}*", "inner", "{{b}}!" } },
	{ "Surrounding Whitespace", "{}", "| {{>partial}} |", "| \t|\t |", { "partial", "\t|\t" } },
	{ "Inline Indentation", "{\"data\":\"|\"}", "  {{data}}  {{> partial}}\n", "  |  >\n>\n", { "partial", ">\n>" } },
	{ "Standalone Line Endings", "{}", "|\r\n{{>partial}}\r\n|", "|\r\n>|", { "partial", ">" } },
	{ "Standalone Without Previous Line", "{}", "  {{>partial}}\n>", "  >\n  >>", { "partial", ">\n>" } },
	{ "Standalone Without Newline", "{}", ">\n  {{>partial}}", ">\n  >\n  >", { "partial", ">\n>" } },
	{ "Standalone Indentation", "{\"content\":\"<\\n->\"}", "\\\n {{>partial}}\n/\n", "\\\n |\n <\n->\n |\n/\n",
	  { "partial", "|\n{{{content}}}\n|\n" } },
	{ "Padding Whitespace", "{\"boolean\":true}", "|{{> partial }}|", "|[]|", { "partial", "[]" } },
};

static const struct example comments[] = {
	{ "Inline", "{}", "12345{{! Comment Block! }}67890", "1234567890", { 0 } },
	{ "Multiline", "{}", "12345{{!\n  This is a\n  multi-line comment...\n}}67890\n", "1234567890\n", { 0 } },
	{ "Standalone", "{}", "Begin.\n{{! Comment Block! }}\nEnd.\n", "Begin.\nEnd.\n", { 0 } },
	{ "Indented Standalone", "{}", "Begin.\n  {{! Indented Comment Block! }}\nEnd.\n", "Begin.\nEnd.\n", { 0 } },
	{ "Standalone Line Endings", "{}", "|\r\n{{! Standalone Comment }}\r\n|", "|\r\n|", { 0 } },
	{ "Standalone Without Previous Line", "{}", "  {{! I'm Still Standalone }}\n!", "!", { 0 } },
	{ "Standalone Without Newline", "{}", "!\n  {{! I'm Still Standalone }}", "!\n", { 0 } },
	{ "Multiline Standalone", "{}", "Begin.\n{{!\nSomething's going on here...\n}}\nEnd.\n", "Begin.\nEnd.\n", { 0 } },
	{ "Indented Multiline Standalone", "{}", "Begin.\n  {{!\n    Something's going on here...\n  }}\nEnd.\n",
	  "Begin.\nEnd.\n", { 0 } },
	{ "Indented Inline", "{}", "  12 {{! 34 }}\n", "  12 \n", { 0 } },
	{ "Surrounding Whitespace", "{}", "12345 {{! Comment Block! }} 67890", "12345  67890", { 0 } },
	{ "Variable Name Collision", "{\"! comment\":1,\"! comment \":2,\"!comment\":3,\"comment\":4}",
	  "comments never show: >{{! comment }}<", "comments never show: ><", { 0 } },
};

static const struct example delimiters[] = {
	{ "Pair Behavior", "{\"text\":\"Hey!\"}", "{{=<% %>=}}(<%text%>)", "(Hey!)", { 0 } },
	{ "Special Characters", "{\"text\":\"It worked!\"}", "({{=[ ]=}}[text])", "(It worked!)", { 0 } },
	{ "Sections", "{\"section\":true,\"data\":\"I got interpolated.\"}",
	  "[\n{{#section}}\n  {{data}}\n  |data|\n{{/section}}\n\n{{= | | =}}\n|#section|\n  {{data}}\n  |data|\n|/section|\n]\n",
	  "[\n  I got interpolated.\n  |data|\n\n  {{data}}\n  I got interpolated.\n]\n", { 0 } },
	{ "Inverted Sections", "{\"section\":false,\"data\":\"I got interpolated.\"}",
	  "[\n{{^section}}\n  {{data}}\n  |data|\n{{/section}}\n\n{{= | | =}}\n|^section|\n  {{data}}\n  |data|\n|/section|\n]\n",
	  "[\n  I got interpolated.\n  |data|\n\n  {{data}}\n  I got interpolated.\n]\n", { 0 } },
	{ "Partial Inheritence", "{\"value\":\"yes\"}", "[ {{>include}} ]\n{{= | | =}}\n[ |>include| ]\n",
	  "[ .yes. ]\n[ .yes. ]\n", { "include", ".{{value}}." } },
	{ "Post-Partial Behavior", "{\"value\":\"yes\"}", "[ {{>include}} ]\n[ .{{value}}.  .|value|. ]\n",
	  "[ .yes.  .yes. ]\n[ .yes.  .|value|. ]\n", { "include", ".{{value}}. {{= | | =}} .|value|." } },
	{ "Surrounding Whitespace", "{}", "| {{=@ @=}} |", "|  |", { 0 } },
	{ "Outlying Whitespace (Inline)", "{}", " | {{=@ @=}}\n", " | \n", { 0 } },
	{ "Standalone Tag", "{}", "Begin.\n{{=@ @=}}\nEnd.\n", "Begin.\nEnd.\n", { 0 } },
	{ "Indented Standalone Tag", "{}", "Begin.\n  {{=@ @=}}\nEnd.\n", "Begin.\nEnd.\n", { 0 } },
	{ "Standalone Line Endings", "{}", "|\r\n{{= @ @ =}}\r\n|", "|\r\n|", { 0 } },
	{ "Standalone Without Previous Line", "{}", "  {{=@ @=}}\n=", "=", { 0 } },
	{ "Standalone Without Newline", "{}", "=\n  {{=@ @=}}", "=\n", { 0 } },
	{ "Pair with Padding", "{}", "|{{= @   @ =}}|", "||", { 0 } },
};

static const char *find(void *arg, const char *name)
{
	const struct example *ex = arg;
	size_t i;

	for (i = 0; i < COUNT(ex->partials) && ex->partials[i] != NULL; i += 2) {
		if (strcmp(ex->partials[i], name) == 0)
			return ex->partials[i + 1];
	}
	return NULL;
}

static void run_examples(struct arena *a, const struct example *examples, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct example ex = examples[i];
		struct template_options options = { .mode = TEMPLATE_HTML, .partial = find, .partial_arg = &ex };
		struct template_error err;
		struct template *t = NULL;
		struct value *data = NULL;
		struct sb sb;

		if (template_compile(&t, &err, ex.text, &options) != RC_OK)
			fail_msg("%s: line %zu: %s (%s)", ex.name, err.line, err.msgid, err.subject);
		assert_int_equal(json_parse(a, &data, NULL, ex.data, strlen(ex.data)), RC_OK);
		sb_init_arena(&sb, a, 10000);
		template_render(&sb, t, data);
		assert_int_equal(sb_result(&sb), RC_OK);
		if (strcmp(sb_text_of(&sb), ex.expected) != 0)
			fail_msg("%s:\n%s\ninstead of\n%s", ex.name, sb_text_of(&sb), ex.expected);
		template_free(t);
	}
}

#define examples_test(table)                                                                                           \
	static void the_specification_of_##table##_holds(void **state)                                                \
	{                                                                                                              \
		run_examples(*state, table, COUNT(table));                                                             \
	}
examples_test(interpolation) examples_test(sections) examples_test(inverted) examples_test(partials)
	examples_test(comments) examples_test(delimiters)

int main(void)
{
	const struct CMUnitTest tests[] = {
		arena_test(the_specification_of_interpolation_holds), arena_test(the_specification_of_sections_holds),
		arena_test(the_specification_of_inverted_holds),      arena_test(the_specification_of_partials_holds),
		arena_test(the_specification_of_comments_holds),      arena_test(the_specification_of_delimiters_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
