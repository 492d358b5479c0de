# Every target of ours links meridian_flags; third-party headers are system headers and stay silent.
add_library(meridian_flags INTERFACE)
set(common_warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
    -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wcast-qual -Wnull-dereference -Wformat=2
    -Wimplicit-fallthrough -Wswitch-enum -Wundef -Wvla -Wextra-semi -Wsuggest-override -Werror)
set(gcc_warnings -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wuseless-cast)
target_compile_options(meridian_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:${common_warnings}>
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:${gcc_warnings}>)
# Where a folder is one file, what one of its files names may be a name of another, which Clang calls a shadow.
if(MERIDIAN_UNITY)
  target_compile_options(meridian_flags INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-shadow>)
endif()
# GoogleTest's macros expand to code that -Wuseless-cast and null-dereference dislike under sanitizers.
if(MERIDIAN_SANITIZE)
  target_compile_options(meridian_flags INTERFACE -Wno-null-dereference -Wno-maybe-uninitialized)
endif()
