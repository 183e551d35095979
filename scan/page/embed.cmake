# SPDX-License-Identifier: GPL-2.0-or-later
#
# cmake -DOUTPUT=FILE -DINPUTS=FILE... -P embed.cmake - text files to a C file: report.css is the array report_css
set(text "#include \"embedded.h\"\n")
foreach(input ${INPUTS})
  get_filename_component(name ${input} NAME)
  string(MAKE_C_IDENTIFIER ${name} identifier)
  file(READ ${input} octets HEX)
  string(REGEX REPLACE "(..)" "0x\\1," octets "${octets}")
  string(APPEND text "const char ${identifier}[] = {${octets}0};\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
