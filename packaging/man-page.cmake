# SPDX-License-Identifier: GPL-2.0-or-later
# Makes a manual page out of what `siptls-scan --help` says: -D program= -D version= -D page=
set(ENV{LC_ALL} C.UTF-8)
execute_process(COMMAND "${program}" --help OUTPUT_VARIABLE help COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\\" "\\e" help "${help}")
string(REPLACE "-" "\\-" help "${help}")
string(REPLACE "…" "..." help "${help}")
string(REGEX REPLACE "(^|\n)([.'])" "\\1\\\\&\\2" help "${help}")
file(WRITE "${page}" ".TH SIPTLS\\-SCAN 1 \"\" \"siptls ${version}\" \"User Commands\"
.SH NAME
siptls\\-scan \\- tells whether SIP\\-over\\-TLS servers ask for a client certificate
.SH SYNOPSIS
.B siptls\\-scan
[\\fIOPTION\\fR...] \\fIPATH\\fR...
.SH DESCRIPTION
.nf
${help}.fi
.SH SEE ALSO
.BR tshark (1),
.BR wireshark (1),
/usr/share/doc/siptls/README.md
")
