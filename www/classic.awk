# Makes one classic script of ES modules, for <script src>:
#	awk -f classic.awk http.mjs … script.mjs sigpost.mjs >sigpost.js
# Modules come after those they import. Each becomes a function of its own, so their private names
# do not meet. What a module may say is what the patterns below know; anything else is an error. The
# exports of the last module are the global `sigpost`; script.mjs is called with the script's tag.
# Comments that begin a line stay behind.

function fail(what)
{
	print FILENAME ":" FNR ": " what > "/dev/stderr"
	bad = 1
	exit 1
}

function base(path)
{
	sub(/^.*\//, "", path)
	return path
}

# `a, b as c` as the pattern of a destructuring.
function pattern(list)
{
	gsub(/[ \t]+as[ \t]+/, ": ", list)
	gsub(/^[ \t]+|[ \t,]+$/, "", list)
	return list
}

function module_of(line)
{
	if (!match(line, /from '\.\/[^']+';$/))
		fail("not an import from a module beside it")
	line = substr(line, RSTART + 8, RLENGTH - 10)
	if (!(line in known))
		fail(line " comes too late")
	return line
}

function braces(line)
{
	if (!match(line, /\{[^}]*\}/))
		fail("an import or export without braces")
	return substr(line, RSTART + 1, RLENGTH - 2)
}

# Whether the line is comment and nothing else.
function is_comment(line)
{
	if (inside) {
		inside = line !~ /\*\//
		return 1
	}
	if (line !~ /^ *\/\*\*/ || line ~ /\*\/ *[^ ]/)
		return line ~ /^ *\/\/ /
	inside = line !~ /\*\//
	return 1
}

function finish()
{
	if (name == "")
		return
	print "return { " exports " };"
	print "})();"
	known[name] = 1
}

function export(names)
{
	exports = exports (exports == "" ? "" : ", ") names
}

BEGIN {
	print "// sigpost, MIT license. Made of www/*.mjs, where the comments are, by www/classic.awk."
	print "var sigpost = (function (script) {"
	print "'use strict';"
	print "var here = script && script.src || '';"
	print "var modules = {};"
}

FNR == 1 { finish(); name = base(FILENAME); exports = ""; print "modules['" name "'] = (() => {" }

is_comment($0) || /^$/ { next }

# Statements of several lines are joined first.
/^(import|export) \{?[^;]*$/ && !/^export (async )?(function|class|const|let) / { held = $0; next }
held != "" { held = held " " $0; if ($0 !~ /;$/) next; $0 = held; held = "" }

/^import / {
	module = module_of($0)
	print "const { " pattern(braces($0)) " } = modules['" module "'];"
	next
}
/^export \{.*\} from / {
	module = module_of($0)
	list = pattern(braces($0))
	if (list ~ /:/)
		fail("an export under another name")
	print "const { " list " } = modules['" module "'];"
	export(list)
	next
}
/^export (async )?(function|class|const) / {
	line = $0
	sub(/^export /, "", line)
	id = line
	sub(/^(async )?(function|class|const) /, "", id)
	sub(/[^A-Za-z0-9_$].*$/, "", id)
	export(id)
	$0 = line
}
/^export / { fail("an export of a kind unknown here") }
/import\.meta/ && !/import\.meta\.url/ { fail("import.meta has only url here") }
{ gsub(/import\.meta\.url/, "here") }
{
	code = $0
	gsub(/\/\*\*[^*]*\*\//, "", code) # types
}
code ~ /(^|[^A-Za-z0-9_.])import *\(/ { fail("a dynamic import") }
{ print }

END {
	if (bad)
		exit 1
	finish()
	print "modules['script.mjs'].installFrom(script);"
	print "return modules['" name "'];"
	print "})(typeof document === 'undefined' ? null : document.currentScript);"
}
