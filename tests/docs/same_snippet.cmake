# Fails unless DOCUMENT shows the file SNIPPET, word for word.
file(READ "${DOCUMENT}" document)
file(READ "${SNIPPET}" snippet)
string(FIND "${document}" "```cpp\n${snippet}```" found)
if(found EQUAL -1)
  message(FATAL_ERROR "${DOCUMENT} does not show ${SNIPPET} as it is: copy it there again")
endif()
