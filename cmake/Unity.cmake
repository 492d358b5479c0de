# Each folder's files compiled as one: the headers and templates of this code cost more than the code, and a build of all
# of it takes a third of the time. The price: a name in an anonymous namespace is unique in its folder. That each file
# also compiles by itself, with no #include forgotten, is what tests/lint/alone looks at.
option(MERIDIAN_UNITY "compile each folder as one file" OFF)

function(meridian_unity target)
  if(NOT MERIDIAN_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # A class of a .cc file may hold what its anonymous namespace declares; here that file is an include.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  get_target_property(sources ${target} SOURCES)
  foreach(source ${sources})
    get_filename_component(folder ${source} DIRECTORY)
    string(MAKE_C_IDENTIFIER "${folder}" group)
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
  endforeach()
endfunction()
