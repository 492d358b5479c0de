// The tables of RFC 2136: §2.4 and §3.2 (prerequisites), §3.4.1 (prescan), §2.5 and §3.4.2
// (updates), §3.6 (the serial). Random updates against an oracle: update_property_test.cc.
#include "dns/update/update_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dns/zone/serial.h"
#include "tests/support/update_records.h"

namespace meridian::dns {
namespace {

using test::addTo;
using test::deleteName;
using test::deleteRecordOf;
using test::deleteRrset;
using test::kClassAny;
using test::kClassIn;
using test::kClassNone;
using test::nameIsInUse;
using test::nameIsNotInUse;
using test::rrsetDoesNotExist;
using test::rrsetExists;
using test::rrsetIs;
using test::updateRecord;
using test::withData;
using testing::HasSubstr;

constexpr unsigned kUpdateA = 1, kUpdateNs = 2, kUpdateCname = 5, kUpdateSoa = 6, kUpdateMx = 15,
                   kUpdateTxt = 16, kUpdateAaaa = 28, kUpdateAny = 255;

constexpr const char* kUpdatedHead =
    "$ORIGIN example.\n$TTL 300\n@ NS ns\n@ NS ns2\nns A 192.0.2.53\nns2 A 192.0.2.54\n";
constexpr const char* kUpdatedBody =
    "www A 192.0.2.1\nwww A 192.0.2.2\nwww TXT hello\nalias CNAME www\na.ent TXT deep\n"
    "*.wild A 192.0.2.9\nchild NS ns.child\nns.child A 192.0.2.99\ndname DNAME target\n"
    "MiXed MX 10 Mail.example.\n@ MX 10 mail\n";

std::string updatedSoa(std::uint32_t serial, const char* more = "7200 900 1209600 60") {
  return "example. 300 SOA ns.example. hostmaster.example. " + std::to_string(serial) + " " + more +
         "\n";
}
std::shared_ptr<const Zone> updatedZone(const std::string& body, std::uint32_t serial = 7) {
  return test::must(parseZone(updatedSoa(serial) + kUpdatedHead + body, "test.zone"));
}

tl::expected<std::shared_ptr<const ZoneDifference>, UpdateRefusal> plannedUpdate(
    const Zone& zone, std::vector<UpdateRecord> prerequisites, std::vector<UpdateRecord> updates) {
  return planUpdate(
      zone,
      {Name::parse("example").value(), kClassIn, std::move(prerequisites), std::move(updates)},
      SerialPolicy::kIncrement, WallTime{});
}

Rcode updateRcode(std::vector<UpdateRecord> prerequisites, std::vector<UpdateRecord> updates = {}) {
  static const auto kUpdatedZone = updatedZone(kUpdatedBody);
  const auto plan = plannedUpdate(*kUpdatedZone, std::move(prerequisites), std::move(updates));
  return plan ? Rcode::kNoError : plan.error().rcode;
}

// The zone after the updates; its own lines where nothing changed.
std::vector<std::string> afterUpdates(const std::string& body, std::vector<UpdateRecord> updates,
                                      std::uint32_t serial = 7) {
  const auto zone = updatedZone(body, serial);
  const auto plan = plannedUpdate(*zone, {}, std::move(updates));
  if (!plan) {
    ADD_FAILURE() << plan.error().reason;
    return {};
  }
  if (*plan == nullptr) return test::linesOf(*zone);
  const auto applied = apply(*zone, **plan, "update");
  if (!applied) {
    ADD_FAILURE() << applied.error().text();
    return {};
  }
  return test::linesOf(**applied);
}
std::vector<std::string> updatedLines(const std::string& body, std::uint32_t serial) {
  return test::linesOf(*updatedZone(body, serial));
}
// Of updates that change nothing: the serial stays.
void expectUpdateIgnored(std::vector<UpdateRecord> updates, const char* why) {
  const auto zone = updatedZone(kUpdatedBody);
  const auto plan = plannedUpdate(*zone, {}, std::move(updates));
  ASSERT_TRUE(plan) << why << ": " << plan.error().reason;
  EXPECT_EQ(*plan, nullptr) << why;
}

// §3.1.
TEST(UpdatePlan, IsForItsZoneAndClassOnly) {
  const auto zone = updatedZone(kUpdatedBody);
  const auto rcode = [&](const char* name, unsigned rr_class) {
    const auto plan =
        planUpdate(*zone, {Name::parse(name).value(), static_cast<std::uint16_t>(rr_class), {}, {}},
                   SerialPolicy::kIncrement, WallTime{});
    return plan ? Rcode::kNoError : plan.error().rcode;
  };
  EXPECT_EQ(rcode("example", kClassIn), Rcode::kNoError);
  EXPECT_EQ(rcode("child.example", kClassIn), Rcode::kNotAuth);
  EXPECT_EQ(rcode("example", 3), Rcode::kNotAuth);
}

// §2.4.1 to §2.4.5, each both ways.
TEST(UpdatePrerequisites, HoldOrNot) {
  const struct {
    const char* what;
    std::vector<UpdateRecord> prerequisites;
    Rcode rcode;
  } rows[] = {
      {"RRset exists", {rrsetExists("www.example", kUpdateA)}, Rcode::kNoError},
      {"in another case", {rrsetExists("WWW.Example", kUpdateA)}, Rcode::kNoError},
      {"another type", {rrsetExists("www.example", kUpdateMx)}, Rcode::kNxRrset},
      {"no such name", {rrsetExists("none.example", kUpdateA)}, Rcode::kNxRrset},
      {"a wildcard is no name of others",
       {rrsetExists("x.wild.example", kUpdateA)},
       Rcode::kNxRrset},
      {"the wildcard itself", {rrsetExists("*.wild.example", kUpdateA)}, Rcode::kNoError},
      {"below a cut", {rrsetExists("ns.child.example", kUpdateA)}, Rcode::kNoError},
      {"RRset is",
       {rrsetIs("www.example", "A 192.0.2.2"), rrsetIs("www.example", "A 192.0.2.1")},
       Rcode::kNoError},
      {"repetitions do not matter",
       {rrsetIs("www.example", "A 192.0.2.2"), rrsetIs("www.example", "A 192.0.2.1"),
        rrsetIs("WWW.example", "A 192.0.2.2")},
       Rcode::kNoError},
      {"a record is missing", {rrsetIs("www.example", "A 192.0.2.1")}, Rcode::kNxRrset},
      {"a record too many",
       {rrsetIs("www.example", "A 192.0.2.1"), rrsetIs("www.example", "A 192.0.2.2"),
        rrsetIs("www.example", "A 192.0.2.3")},
       Rcode::kNxRrset},
      {"of a name that is not there", {rrsetIs("none.example", "A 192.0.2.1")}, Rcode::kNxRrset},
      {"names in data ignore case",
       {rrsetIs("mixed.example", "MX 10 mAIL.example.")},
       Rcode::kNoError},
      {"text does not", {rrsetIs("www.example", "TXT Hello")}, Rcode::kNxRrset},
      {"each of two RRsets",
       {rrsetIs("a.ent.example", "TXT deep"), rrsetIs("alias.example", "CNAME other.example.")},
       Rcode::kNxRrset},
      {"RRset does not exist", {rrsetDoesNotExist("www.example", kUpdateMx)}, Rcode::kNoError},
      {"but it does", {rrsetDoesNotExist("www.example", kUpdateA)}, Rcode::kYxRrset},
      {"nor has the name", {rrsetDoesNotExist("none.example", kUpdateA)}, Rcode::kNoError},
      {"name is in use", {nameIsInUse("www.example")}, Rcode::kNoError},
      {"but it is not", {nameIsInUse("none.example")}, Rcode::kNxDomain},
      {"an empty non-terminal is not", {nameIsInUse("ent.example")}, Rcode::kNxDomain},
      {"name is not in use", {nameIsNotInUse("none.example")}, Rcode::kNoError},
      {"nor is an empty non-terminal", {nameIsNotInUse("ent.example")}, Rcode::kNoError},
      {"but it is", {nameIsNotInUse("www.example")}, Rcode::kYxDomain},
      {"the first that does not hold counts",
       {nameIsInUse("www.example"), nameIsInUse("none.example"), nameIsNotInUse("www.example")},
       Rcode::kNxDomain},
      {"sets come last (§3.2.5)",
       {rrsetIs("www.example", "A 192.0.2.3"), nameIsInUse("none.example")},
       Rcode::kNxDomain},
  };
  for (const auto& row : rows) EXPECT_EQ(updateRcode(row.prerequisites), row.rcode) << row.what;
}

// What §3.2 finds wrong with the records themselves.
TEST(UpdatePrerequisites, AreRefusedWhereTheyMeanNothing) {
  const struct {
    const char* what = "";
    UpdateRecord record = {};
    Rcode rcode = Rcode::kNoError;
  } rows[] = {
      {"TTL of ANY", updateRecord("www.example", kUpdateA, kClassAny, 1), Rcode::kFormErr},
      {"TTL of NONE", updateRecord("www.example", kUpdateA, kClassNone, 1), Rcode::kFormErr},
      {"TTL of the class", withData("www.example", kClassIn, 1, "A 192.0.2.1"), Rcode::kFormErr},
      {"data of ANY", withData("www.example", kClassAny, 0, "A 192.0.2.1"), Rcode::kFormErr},
      {"data of NONE", withData("www.example", kClassNone, 0, "A 192.0.2.1"), Rcode::kFormErr},
      {"another class", updateRecord("www.example", kUpdateA, 3), Rcode::kFormErr},
      {"class 0", updateRecord("www.example", kUpdateA, 0), Rcode::kFormErr},
      {"type ANY of the class", updateRecord("www.example", kUpdateAny, kClassIn), Rcode::kFormErr},
      {"type AXFR", updateRecord("www.example", 252, kClassAny), Rcode::kFormErr},
      {"type TSIG", updateRecord("www.example", 250, kClassNone), Rcode::kFormErr},
      {"outside", rrsetExists("www.elsewhere", kUpdateA), Rcode::kNotZone},
      {"above", nameIsInUse("."), Rcode::kNotZone},
  };
  for (const auto& row : rows) EXPECT_EQ(updateRcode({row.record}), row.rcode) << row.what;
}

// §3.4.1.
TEST(UpdatePrescan, RefusesAllForOne) {
  const struct {
    const char* what = "";
    UpdateRecord record = {};
    Rcode rcode = Rcode::kNoError;
  } rows[] = {
      {"outside", addTo("www.elsewhere", 9, "A 192.0.2.1"), Rcode::kNotZone},
      {"above", deleteName("."), Rcode::kNotZone},
      {"type ANY added", updateRecord("www.example", kUpdateAny, kClassIn, 9), Rcode::kFormErr},
      {"type AXFR added", updateRecord("www.example", 252, kClassIn, 9), Rcode::kFormErr},
      {"type MAILB added", updateRecord("www.example", 253, kClassIn, 9), Rcode::kFormErr},
      {"OPT added", updateRecord("www.example", 41, kClassIn, 9), Rcode::kFormErr},
      {"TTL of ANY", updateRecord("www.example", kUpdateA, kClassAny, 1), Rcode::kFormErr},
      {"data of ANY", withData("www.example", kClassAny, 0, "A 192.0.2.1"), Rcode::kFormErr},
      {"type AXFR of ANY", updateRecord("www.example", 252, kClassAny), Rcode::kFormErr},
      {"type MAILA of ANY", updateRecord("www.example", 254, kClassAny), Rcode::kFormErr},
      {"TTL of NONE", withData("www.example", kClassNone, 1, "A 192.0.2.1"), Rcode::kFormErr},
      {"type ANY of NONE", updateRecord("www.example", kUpdateAny, kClassNone), Rcode::kFormErr},
      {"another class", updateRecord("www.example", kUpdateA, 3), Rcode::kFormErr},
      {"RRSIG added", updateRecord("www.example", 46, kClassIn, 9), Rcode::kRefused},
      {"NSEC deleted", deleteRrset("www.example", 47), Rcode::kRefused},
      {"NSEC3 deleted", deleteRrset("www.example", 50), Rcode::kRefused},
      {"NSEC3PARAM added", updateRecord("example", 51, kClassIn, 9), Rcode::kRefused},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(updateRcode({}, {addTo("new.example", 9, "A 192.0.2.1"), row.record}), row.rcode)
        << row.what;
  }
  EXPECT_EQ(updateRcode({nameIsInUse("none.example")}, {deleteName(".")}), Rcode::kNxDomain)
      << "prerequisites come first";
}

// Of a zone that has some, and is not signed as a whole.
TEST(UpdateDeletes, SignaturesOfAllTypesStayAsTheyAre) {
  const std::string rest = " 3 60 20370101000000 20200101000000 1 example. AAAA\n";
  const std::string signatures =
      "www RRSIG A 13" + rest + "www RRSIG TXT 13" + rest + "www RRSIG MX 13" + rest;
  EXPECT_EQ(afterUpdates("www A 192.0.2.1\n" + signatures, {deleteName("www.example")}),
            updatedLines(signatures, 8));
  EXPECT_EQ(
      afterUpdates("www A 192.0.2.1\n" + signatures, {addTo("www.example", 300, "A 192.0.2.2")}),
      updatedLines("www A 192.0.2.1\nwww A 192.0.2.2\n" + signatures, 8));
}

// §2.5.1, §3.4.2.2.
TEST(UpdateAdds, ARecordToItsRrset) {
  EXPECT_EQ(afterUpdates("www A 192.0.2.1\n", {addTo("www.example", 300, "A 192.0.2.2")}),
            updatedLines("www A 192.0.2.1\nwww A 192.0.2.2\n", 8));
  EXPECT_EQ(afterUpdates("www A 192.0.2.1\n", {addTo("New.example", 60, "TXT ab")}),
            updatedLines("www A 192.0.2.1\nNew 60 TXT ab\n", 8));
  EXPECT_EQ(afterUpdates("www A 192.0.2.1\n", {addTo("www.example", 60, "A 192.0.2.2")}),
            updatedLines("www 60 A 192.0.2.1\nwww 60 A 192.0.2.2\n", 8))
      << "its TTL becomes the set's";
  EXPECT_EQ(afterUpdates("www A 192.0.2.1\n", {addTo("www.example", 60, "A 192.0.2.1")}),
            updatedLines("www 60 A 192.0.2.1\n", 8))
      << "the TTL alone";
  EXPECT_EQ(afterUpdates("WWW A 192.0.2.1\n", {addTo("www.example", 300, "A 192.0.2.2")}),
            updatedLines("WWW A 192.0.2.1\nWWW A 192.0.2.2\n", 8))
      << "a name keeps its case";
  expectUpdateIgnored({addTo("www.example", 300, "A 192.0.2.1")}, "it is there");
  expectUpdateIgnored({addTo("mixed.example", 300, "MX 10 mail.EXAMPLE.")},
                      "there, in another case");
}

TEST(UpdateAdds, NothingBesideACnameAndNoCnameBesideOthers) {
  expectUpdateIgnored({addTo("alias.example", 300, "A 192.0.2.1")}, "beside a CNAME");
  expectUpdateIgnored({addTo("www.example", 300, "CNAME alias.example.")}, "a CNAME beside others");
  EXPECT_EQ(afterUpdates("alias CNAME www\n", {addTo("alias.example", 60, "CNAME ns.example.")}),
            updatedLines("alias 60 CNAME ns\n", 8))
      << "a CNAME in a CNAME's place";
  EXPECT_EQ(afterUpdates("alias CNAME www\n", {deleteRrset("alias.example", kUpdateCname),
                                               addTo("alias.example", 300, "A 192.0.2.1")}),
            updatedLines("alias A 192.0.2.1\n", 8))
      << "in the order of the section";
  EXPECT_EQ(afterUpdates("d DNAME a\n", {addTo("d.example", 300, "DNAME b.example.")}),
            updatedLines("d DNAME b\n", 8));
}

TEST(UpdateAdds, ASoaOnlyWithANewerSerialAndAtTheApex) {
  const auto soa = [](std::uint32_t serial) {
    return "SOA ns.example. hostmaster.example. " + std::to_string(serial) + " 1 1 1 1";
  };
  const auto expected = [&](std::uint32_t serial) {
    return test::linesOf(
        *test::must(parseZone(updatedSoa(serial, "1 1 1 1") + std::string(kUpdatedHead), "t")));
  };
  EXPECT_EQ(afterUpdates("", {addTo("example", 300, soa(100))}), expected(100));
  EXPECT_EQ(afterUpdates("", {addTo("example", 300, soa(0x80000006))}), expected(0x80000006))
      << "RFC 1982";
  EXPECT_EQ(afterUpdates("", {addTo("example", 300, soa(3))}, 0xFFFFFFF0), expected(3))
      << "round the circle";
  for (const std::uint32_t serial : {7U, 6U, 0U, 0x80000007U, 0xFFFFFFFFU})
    expectUpdateIgnored({addTo("example", 300, soa(serial))}, "not newer");
  expectUpdateIgnored({addTo("www.example", 300, soa(100))}, "not at the apex");
  EXPECT_EQ(afterUpdates("", {addTo("example", 300, soa(20)), addTo("example", 300, soa(10))}),
            expected(20));
}

// §2.5.2, §2.5.3, §3.4.2.3.
TEST(UpdateDeletes, RrsetsAndNames) {
  const std::string body = "www A 192.0.2.1\nwww A 192.0.2.2\nwww TXT hello\n";
  EXPECT_EQ(afterUpdates(body, {deleteRrset("WWW.example", kUpdateA)}),
            updatedLines("www TXT hello\n", 8));
  EXPECT_EQ(afterUpdates(body, {deleteName("www.example")}), updatedLines("", 8));
  EXPECT_EQ(afterUpdates("a.ent TXT deep\n", {deleteName("a.ent.example")}), updatedLines("", 8));
  EXPECT_EQ(afterUpdates("@ MX 10 mail\n@ TXT apex\n", {deleteName("example")}),
            updatedLines("", 8))
      << "SOA and NS of the apex stay";
  EXPECT_EQ(afterUpdates("child NS ns.child\nns.child A 192.0.2.99\n",
                         {deleteRrset("child.example", kUpdateNs), deleteName("ns.child.example")}),
            updatedLines("", 8))
      << "NS elsewhere go";
  expectUpdateIgnored({deleteRrset("www.example", kUpdateAaaa)}, "no such RRset");
  expectUpdateIgnored({deleteName("none.example")}, "no such name");
  expectUpdateIgnored({deleteName("ent.example")}, "an empty non-terminal");
  expectUpdateIgnored({deleteRrset("example", kUpdateSoa)}, "the SOA");
  expectUpdateIgnored({deleteRrset("example", kUpdateNs)}, "the NS of the apex");
  expectUpdateIgnored({deleteRrset("x.wild.example", kUpdateA)}, "what a wildcard makes");
}

// §2.5.4, §3.4.2.4.
TEST(UpdateDeletes, SingleRecords) {
  const std::string body = "www A 192.0.2.1\nwww A 192.0.2.2\n";
  EXPECT_EQ(afterUpdates(body, {deleteRecordOf("www.example", "A 192.0.2.1")}),
            updatedLines("www A 192.0.2.2\n", 8));
  EXPECT_EQ(afterUpdates(body, {deleteRecordOf("www.example", "A 192.0.2.1"),
                                deleteRecordOf("www.example", "A 192.0.2.2")}),
            updatedLines("", 8));
  EXPECT_EQ(afterUpdates("m MX 10 Mail\n", {deleteRecordOf("m.example", "MX 10 mAIL.example.")}),
            updatedLines("", 8));
  expectUpdateIgnored({deleteRecordOf("www.example", "A 192.0.2.3")}, "no such record");
  expectUpdateIgnored({deleteRecordOf("www.example", "AAAA 2001:db8::1")}, "no such RRset");
  expectUpdateIgnored(
      {deleteRecordOf("example", "SOA ns.example. hostmaster.example. 7 7200 900 1209600 60")},
      "the SOA");
}

TEST(UpdateDeletes, TheLastNsOfTheApexStays) {
  EXPECT_EQ(afterUpdates("", {deleteRecordOf("example", "NS ns.example.")}),
            test::linesOf(*test::must(parseZone(
                updatedSoa(8) +
                    "$ORIGIN example.\n$TTL 300\n@ NS ns2\nns A 192.0.2.53\nns2 A 192.0.2.54\n",
                "t"))));
  const auto both = afterUpdates("", {deleteRecordOf("example", "NS ns.example."),
                                      deleteRecordOf("example", "NS ns2.example.")});
  EXPECT_EQ(
      std::count_if(both.begin(), both.end(),
                    [](const std::string& line) { return line.find(" NS ") != std::string::npos; }),
      1);
  EXPECT_EQ(afterUpdates("child NS ns.child\nns.child A 192.0.2.99\n",
                         {deleteRecordOf("child.example", "NS ns.child.example.")}),
            updatedLines("ns.child A 192.0.2.99\n", 8))
      << "elsewhere the last goes, too";
}

// §3.6.
TEST(UpdateSerial, GoesOnByOneUnlessTheUpdateSetIt) {
  const auto serialAfter = [](std::uint32_t before, std::vector<UpdateRecord> updates) {
    const auto plan =
        plannedUpdate(*updatedZone("www A 192.0.2.1\n", before), {}, std::move(updates));
    return plan && *plan ? (*plan)->to() : before;
  };
  const UpdateRecord change = addTo("new.example", 9, "A 192.0.2.1");
  EXPECT_EQ(serialAfter(7, {change}), 8U);
  EXPECT_EQ(serialAfter(0xFFFFFFFF, {change}), 0U);
  EXPECT_EQ(
      serialAfter(7, {change, addTo("example", 300, "SOA ns.example. h.example. 50 1 1 1 1")}),
      50U);
  EXPECT_EQ(serialAfter(7, {change, addTo("example", 300, "SOA ns.example. h.example. 5 1 1 1 1")}),
            8U);
  EXPECT_EQ(serialAfter(7, {}), 7U);
  EXPECT_EQ(serialAfter(7, {change, deleteName("new.example")}), 7U) << "there and back";
  EXPECT_EQ(serialAfter(7, {deleteName("www.example"), addTo("www.example", 300, "A 192.0.2.1")}),
            7U);
}

TEST(UpdatePlan, ADifferenceHasNothingThatStays) {
  const auto zone = updatedZone(kUpdatedBody);
  const auto plan = plannedUpdate(*zone, {}, {addTo("www.example", 300, "A 192.0.2.3")});
  ASSERT_TRUE(plan && *plan);
  EXPECT_EQ((*plan)->removed.count(), 1U) << "the SOA";
  EXPECT_EQ((*plan)->added.count(), 2U);
  EXPECT_EQ((*plan)->from(), 7U);
}

TEST(UpdatePlan, RefusalsNameTheRecord) {
  const auto plan = plannedUpdate(*updatedZone(kUpdatedBody), {nameIsInUse("none.example")}, {});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().reason, "none.example. TYPE255: the name is not in use");
}

}  // namespace
}  // namespace meridian::dns
